# ./build.sh test: sourced by build.sh.

. web/test/browser.sh

step() { printf '\n== %s (after %d s)\n' "$*" "$SECONDS"; }

# Packages that need no browser run under Node as well.
node_packages() { go list ./kernels/... ./quant/... ./wasm/wire ./wasm/lesson/... ./wasm/engine/session ./wasm/app/page | grep -v /cmd/; }

# A machine under load can starve a browser past a test's patience; a fault of
# ours fails twice. What failed once is told at the end.
browser_tests() {
	local f failed=()
	for f in web/test/browser/*.test.mjs; do
		node --test --test-concurrency=1 "$f" || failed+=("$f")
	done
	[ ${#failed[@]} -gt 0 ] || return 0
	step "browser, once more: ${failed[*]}"
	node --test --test-concurrency=1 "${failed[@]}"
	echo "failed at first and passed when run again: ${failed[*]}"
}

cmd_test() {
	local short=() long=
	while [ $# -gt 0 ]; do
		case $1 in
		-short) short=(-short) ;;
		-long) long=1 ;;
		*) wrong "test does not take \"$1\"" ;;
		esac
		shift
	done
	need
	npm_parts dev
	need_chromium
	export FEWBITS_LIBGGML=${FEWBITS_LIBGGML:-$PWD/web/node_modules/@node-llama-cpp/linux-x64/bins/linux-x64}

	step "format and vet"
	local bad
	bad=$(gofmt -l kernels quant wasm)
	[ -z "$bad" ] || die "not gofmt'd: $bad"
	go vet ./...
	GOOS=js GOARCH=wasm go vet ./...
	GOOS=js GOARCH=wasm go vet -tags=purego ./kernels/

	# Meanwhile the site: compressed as dist is, as far as its limits go, which
	# takes one processor a quarter of a minute.
	mkdir -p "$cache"
	local said=$PWD/$cache/site.txt site
	build "$cache/site" -fast-rest "${limits[@]}" >"$said" 2>&1 &
	site=$!

	step "Go, native"
	go test "${short[@]}" ./...

	# Assembly is for wasm alone: natively the portable twins are what runs.
	step "Go, js/wasm under Node"
	local runner
	runner=$(go env GOROOT)/lib/wasm/go_js_wasm_exec
	# shellcheck disable=SC2046
	GOOS=js GOARCH=wasm go test -short -exec="$runner" $(node_packages)
	GOOS=js GOARCH=wasm go test -short -tags=purego -exec="$runner" ./kernels/

	step "the site, and what a first visit downloads"
	wait "$site" || { cat "$said"; die "the site is not built, or over a limit"; }
	cat "$said"
	go build -o "$cache/serve" ./wasm/edge/serve
	go build -o "$cache/fewbits" ./quant/cmd/fewbits

	step "JavaScript"
	node --test web/test/unit/*.test.mjs

	step "browser"
	GOOS=js GOARCH=wasm go test -c -o "$cache/kernels.test.wasm" ./kernels/
	FEWBITS_SITE=$PWD/$cache/site FEWBITS_SERVE=$PWD/$cache/serve FEWBITS_COMMAND=$PWD/$cache/fewbits \
		browser_tests

	if [ -n "$long" ]; then
		. web/test/long.sh
		long_tests
	fi
	step "all passed"
}
