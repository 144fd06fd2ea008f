#!/usr/bin/env bash
# Builds, serves, tests and measures Fewbits. Needs Go ≥ 1.24 and Node ≥ 20;
# everything else it installs, from lock files.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

export GOTOOLCHAIN=auto # Go fetches the version that go.mod names
export GOFLAGS="${GOFLAGS:--mod=readonly}"
cache=.cache
stage=$cache/stage

usage() {
	cat <<'EOF'
usage: ./build.sh COMMAND

  run [-addr HOST:PORT]   build and serve the page (127.0.0.1:8080)
  test [-short] [-long]   everything that is tested; -long adds the nightly part
  bench [-json FILE]      measure: weights a second, slider to plots
  dist                    write the deployable site to dist/, the npm package in it
  deploy                  publish to Cloudflare Workers (needs your own account)
EOF
}

wrong() { # MESSAGE: wrong usage
	echo "build.sh: $*" >&2
	usage >&2
	exit 2
}

die() { echo "build.sh: $*" >&2; exit 1; }

need() {
	command -v go >/dev/null || die "Go is missing: install 1.24 or newer from https://go.dev/dl, it fetches the rest by itself"
	local v
	v=$(GOTOOLCHAIN=local go env GOVERSION | sed 's/^go//; s/[^0-9.].*//')
	[ -z "$v" ] || [ "$(printf '%s\n1.24\n' "$v" | sort -V | head -n 1)" = 1.24 ] || die "Go $v is too old: 1.24 or newer is needed"
	command -v node >/dev/null || die "Node is missing: install 20 or newer from https://nodejs.org"
	v=$(node -p 'process.versions.node')
	[ "${v%%.*}" -ge 20 ] || die "Node $v is too old: 20 or newer is needed"
	command -v npm >/dev/null || die "npm is missing: it comes with Node"
}

# npm_parts WHAT: what the page ships ("prod"), or what the tests need too ("dev").
npm_parts() {
	local what=$1 omit=(--omit=optional)
	[ ! -f web/node_modules/.fewbits-dev ] || what=dev # an update does not take away what tests need
	[ "$what" = dev ] || omit+=(--omit=dev)
	local mark=web/node_modules/.fewbits-$what
	if [ -f "$mark" ] && [ "$mark" -nt web/package-lock.json ]; then return; fi
	echo "installing npm parts ($what)"
	(cd web && npm ci "${omit[@]}" --loglevel=error >/dev/null) || die "npm ci failed in web/"
	touch "$mark"
}

# These are compiled without inlining: it makes the program smaller, and no loop
# over weights or text calls them.
cold=(./wasm/app ./wasm/app/page ./wasm/wire ./wasm/main ./wasm/engine ./wasm/engine/session
	./quant/container ./quant/gguf ./quant/safetensors ./quant/npy ./quant/torch ./quant/huggingface ./quant/sample
	./quant/recipe ./quant/convert ./quant/decision ./quant/imatrix ./quant/formats
	honnef.co/go/js/dom/v2 syscall/js fmt internal/fmtsort reflect internal/reflectlite strconv strings bytes bufio
	unicode sort errors encoding/binary encoding/hex compress/flate
	context io io/fs os path internal/filepathlite internal/poll syscall time)

wasm() { # OUT PACKAGE [go build flags]
	local out=$1 pkg=$2 small=() p
	shift 2
	for p in "${cold[@]}"; do small+=(-gcflags="$p=-l"); done
	GOOS=js GOARCH=wasm go build -trimpath -buildvcs=false -ldflags='-s -w -buildid=' "${small[@]}" "$@" -o "$out" "$pkg"
}

# Lays out the site as the packer wants it: pages at the top, folders of assets.
stage() {
	rm -rf "$stage"
	mkdir -p "$stage"/{css,js,vendor,wasm}
	cp -R web/css web/js "$stage"/
	[ ! -d web/samples ] || cp -R web/samples "$stage"/
	cp web/icon.svg web/fewbits.js web/fewbits-exercise.js "$stage"/
	cp web/node_modules/uplot/dist/uPlot.esm.js "$stage"/vendor/
	cp web/node_modules/uplot/LICENSE "$stage"/vendor/uPlot.LICENSE
	local wllama=web/node_modules/@wllama/wllama
	cp "$wllama"/esm/index.min.js "$stage"/vendor/wllama.js
	cp "$wllama"/esm/wasm/wllama.wasm "$stage"/wasm/
	{ cat "$wllama"/LICENCE; printf '\nllama.cpp, which wllama.wasm is made of, is under the same licence:\nCopyright (c) 2023-2026 The ggml authors\n'; } >"$stage"/vendor/wllama.LICENSE
	local page=web/index.html v
	for v in tensor model compare learn; do
		sed -e "/<!--view:$v-->/{r web/views/$v.html" -e 'd}' "$page" >"$stage/index.html.new"
		mv "$stage/index.html.new" "$stage/index.html"
		page=$stage/index.html
	done
	cp "$(go env GOROOT)/lib/wasm/wasm_exec.js" "$stage"/wasm/
	wasm "$stage"/wasm/fewbits.wasm ./wasm/main -tags=first
	wasm "$stage"/wasm/fewbits-whole.wasm ./wasm/main
	wasm "$stage"/wasm/fewbits-portable.wasm ./wasm/main -tags=purego
	# Names tell what is to be repaired, and go then.
	wasm "$stage"/wasm/fewbits-products.wasm ./wasm/products -tags=relaxed -ldflags='-w -buildid='
	go run ./kernels/internal/relax -s "$stage"/wasm/fewbits-products.wasm
	node web/lessons.mjs "$stage"
	node web/bundle.mjs "$stage"
	node web/npm/pack.mjs "$stage" "$cache/npm/fewbits"
	cp "$stage"/index.html "$stage"/embed.html
}

# pack OUT [flags]: hashes and compresses what stage laid out.
pack() {
	local out=$1
	shift
	go run ./wasm/edge/pack -in "$stage" -out "$out" -cache "$cache/pack" \
		-prewasm index.html,css,js -first wasm,js/tensor.part.js \
		-lazy wasm/fewbits-whole.wasm,wasm/fewbits-portable.wasm,wasm/fewbits-products.wasm,wasm/wllama.wasm,js/plots.part.js,js/data.part.js,js/spark.part.js,js/files.part.js,js/model.part.js,js/measure.part.js,js/budget.part.js,js/flow.part.js,js/checkpoint.part.js,js/lessons.part.js,js/lab.part.js,js/store.part.js,js/report.part.js,js/writer.js,js/llama.js "$@"
}

build() { # OUT [pack flags]
	need
	npm_parts prod
	stage
	pack "$@"
}

cmd_run() {
	local addr=127.0.0.1:8080
	while [ $# -gt 0 ]; do
		case $1 in
		-addr | --addr) [ $# -ge 2 ] || wrong "-addr needs HOST:PORT"; addr=$2; shift 2 ;;
		-addr=* | --addr=*) addr=${1#*=}; shift ;;
		*) wrong "run does not take \"$1\"" ;;
		esac
	done
	[[ $addr =~ :[0-9]+$ ]] || wrong "-addr wants HOST:PORT, such as 127.0.0.1:8157, not \"$addr\""
	build "$cache/site" -fast
	go build -o "$cache/serve" ./wasm/edge/serve
	exec "$cache/serve" -addr "$addr" -dir "$cache/site"
}

# What a first visit may download, as brotli: before any wasm, and in all.
limits=(-max-prewasm 61440 -max-total 1572864)

cmd_dist() {
	[ $# -eq 0 ] || wrong "dist does not take \"$1\""
	build dist "${limits[@]}"
}

case ${1-} in
run) shift; cmd_run "$@" ;;
test) shift; . web/test/test.sh; cmd_test "$@" ;;
bench) shift; . web/test/bench.sh; cmd_bench "$@" ;;
dist) shift; cmd_dist "$@" ;;
deploy) shift; . wasm/edge/deploy.sh; cmd_deploy "$@" ;;
-h | -help | --help | help) usage ;;
'') usage >&2; exit 2 ;;
*) wrong "there is no command \"$1\"" ;;
esac
