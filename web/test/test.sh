# ./build.sh test: sourced by build.sh.

. web/test/browser.sh

step() { printf '\n== %s (after %d s)\n' "$*" "$SECONDS"; }

# Packages that need no browser run under Node as well.
node_packages() { go list ./kernels/... ./quant/... ./wasm/wire ./wasm/lesson/... ./wasm/engine/products ./wasm/engine/session ./wasm/app/page | grep -v /cmd/; }

# What has relaxed SIMD, and its tests. Node 20 knows it behind a flag; and its quick
# compiler, Liftoff, adds up i32x4.relaxed_dot_i8x16_i7x16_add_s wrongly, so it is off.
relaxed_tests() { # FOLDER OF CACHE
	local p exec
	exec=$(go env GOROOT)/lib/wasm/wasm_exec_node.js
	for p in kernels quant/speed wasm/engine/products; do
		GOOS=js GOARCH=wasm go test -c -tags=relaxed -o "$1/${p##*/}-relaxed.test.wasm" "./$p"
		go run ./kernels/internal/relax "$1/${p##*/}-relaxed.test.wasm"
		(cd "$p" && node --stack-size=8192 --no-liftoff $(relaxed_flag) "$exec" \
			"$1/${p##*/}-relaxed.test.wasm" -test.short -test.run='Relaxed|Times|Table|Active')
	done
}

# The flag that Node needs for relaxed SIMD, if any.
relaxed_flag() {
	local swizzle='0,97,115,109,1,0,0,0,1,5,1,96,0,1,123,3,2,1,0,10,15,1,13,0,65,0,253,15,65,0,253,15,253,128,2,11'
	[ "$(node -p "WebAssembly.validate(new Uint8Array([$swizzle]))")" = true ] || echo --experimental-wasm-relaxed-simd
}

# These take every processor by themselves, or time what they do.
alone='drop|kernels|share|speed|tensor|wllama'

# Files run two at a time, since a page that paints leaves a processor to another,
# and each tells what it saw when it ends. A machine under load can starve a
# browser past a test's patience; a fault of ours fails twice. What failed once is
# run again by itself, and told at the end.
browser_tests() {
	local said=$PWD/$cache/browser f failed
	rm -rf "$said"
	mkdir -p "$said"
	printf '%s\n' web/test/browser/*.test.mjs | grep -vE "/($alone)\.test" | browser_lanes 2 "$said"
	printf '%s\n' web/test/browser/*.test.mjs | grep -E "/($alone)\.test" | browser_lanes 1 "$said"
	mapfile -t failed < <(cat "$said"/failed 2>/dev/null || true)
	[ ${#failed[@]} -gt 0 ] || return 0
	step "browser, once more: ${failed[*]}"
	node --test --test-concurrency=1 "${failed[@]}"
	echo "failed at first and passed when run again: ${failed[*]}"
}

# browser_lanes N FOLDER: the test files of stdin, N at a time.
browser_lanes() {
	xargs -P "$1" -I{} bash -c '
		f={}; out=$0/$(basename "$f").txt
		node --test --test-concurrency=1 "$f" >"$out" 2>&1 </dev/null || echo "$f" >>"$0/failed"
		flock "$0" cat "$out"' "$2"
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
	GOOS=js GOARCH=wasm go vet -tags=relaxed ./kernels/... ./quant/speed ./wasm/engine/products ./wasm/products

	# Meanwhile the site: compressed as dist is, as far as its limits go, which
	# takes one processor a quarter of a minute.
	mkdir -p "$cache"
	local said=$PWD/$cache/site.txt site
	build "$cache/site" -fast-rest "${limits[@]}" >"$said" 2>&1 &
	site=$!

	step "Go, native"
	go test "${short[@]}" ./...

	# Assembly is for wasm: natively the portable twins are what runs, but for the
	# product of float32 matrices on amd64.
	step "Go, js/wasm under Node"
	local runner
	runner=$(go env GOROOT)/lib/wasm/go_js_wasm_exec
	# shellcheck disable=SC2046
	GOOS=js GOARCH=wasm go test -short -exec="$runner" $(node_packages)
	GOOS=js GOARCH=wasm go test -short -tags=purego -exec="$runner" ./kernels/
	relaxed_tests "$PWD/$cache"

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
