# ./build.sh test -long: sourced by test.sh. What takes minutes: every type on
# ten million weights, every recipe on every model, every kernel on a thousand
# seeds, every fuzzer for a minute.

FUZZ_TIME=${FUZZ_TIME:-60s}

long_tests() {
	export FEWBITS_LONG=1
	step "long: kernels against their twins, js/wasm under Node (its lines come when it ends)"
	local said=$PWD/$cache/long-kernels.txt runner kernels
	runner=$(go env GOROOT)/lib/wasm/go_js_wasm_exec
	GOOS=js GOARCH=wasm go test -count=1 -timeout=1h -v -run=Long -exec="$runner" ./kernels/ >"$said" 2>&1 &
	kernels=$!

	step "long: recipes against libllama"
	# Of thousands of files, only those that differ are named.
	go test -count=1 -timeout=2h -run=Llamas ./quant/recipe/
	step "long: kernels against their twins"
	wait "$kernels" || { cat "$said"; die "the kernels' twins differ"; }
	grep -E '^(ok|---|    long)' "$said"

	step "long: every format of the command, those of slow tables too"
	go test -count=1 -timeout=1h -run=TestEveryFormat ./quant/cmd/fewbits/

	step "long: methods against rounding, by as much text as tells"
	go test -count=1 -timeout=1h -run=TestOrderOfMuchText ./quant/calibrate/

	step "long: ggml's types against libggml"
	go test -count=1 -timeout=2h -v -run='^TestLong$|RealGPT2' ./quant/ggml/ | grep -vE '^(===|    --- PASS: TestRealGPT2)'

	long_fuzz
}

# Each fuzzer starts with what it found before, in Go's cache.
long_fuzz() {
	local pkg name
	while read -r pkg name; do
		step "fuzz: $pkg $name, $FUZZ_TIME"
		go test -run='^$' -fuzz="^$name\$" -fuzztime="$FUZZ_TIME" "$pkg" </dev/null
	done < <(fuzzers)
}

# fuzzers prints the package and the name of each.
fuzzers() {
	grep -rHo --include='*_test.go' '^func Fuzz[A-Za-z0-9_]*' kernels quant wasm |
		sed -E 's#^(.*)/[^/]*:func (.*)#./\1 \2#' | sort
}
