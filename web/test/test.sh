# ./build.sh test: sourced by build.sh.

. web/test/browser.sh

step() { printf '\n== %s\n' "$*"; }

# Packages that need no browser run under Node as well.
node_packages() { go list ./kernels/... ./quant/... ./wasm/wire ./wasm/engine/session ./wasm/app/page | grep -v /cmd/; }

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
	[ -z "$long" ] || export FEWBITS_LONG=1
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

	step "Go, native"
	go test "${short[@]}" ./...
	step "Go, native, portable twins"
	go test -short -tags=purego ./kernels/ ./quant/...

	step "Go, js/wasm under Node"
	local runner
	runner=$(go env GOROOT)/lib/wasm/go_js_wasm_exec
	# shellcheck disable=SC2046
	GOOS=js GOARCH=wasm go test -short -exec="$runner" $(node_packages)
	GOOS=js GOARCH=wasm go test -short -tags=purego -exec="$runner" ./kernels/

	step "the site"
	build "$cache/site" -fast
	go build -o "$cache/serve" ./wasm/edge/serve
	go build -o "$cache/fewbits" ./quant/cmd/fewbits

	step "JavaScript"
	node --test web/test/unit/*.test.mjs

	step "browser"
	GOOS=js GOARCH=wasm go test -c -o "$cache/kernels.test.wasm" ./kernels/
	FEWBITS_SITE=$PWD/$cache/site FEWBITS_SERVE=$PWD/$cache/serve FEWBITS_COMMAND=$PWD/$cache/fewbits \
		node --test --test-concurrency=1 web/test/browser/*.test.mjs

	step "all passed"
}
