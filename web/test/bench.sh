# ./build.sh bench: sourced by build.sh.
. web/test/browser.sh

cmd_bench() {
	local file=
	while [ $# -gt 0 ]; do
		case $1 in
		-json | --json) [ $# -ge 2 ] || wrong "-json needs a FILE"; file=$2; shift 2 ;;
		-json=* | --json=*) file=${1#*=}; shift ;;
		*) wrong "bench does not take \"$1\"" ;;
		esac
	done
	case $file in
	"" | /*) ;;
	*) file=$OLDPWD/$file ;; # build.sh went to the repository
	esac
	# A file that cannot be written is told before the minutes, not after.
	[ -z "$file" ] || : 2>/dev/null >>"$file" || die "$file cannot be written"
	{
		need
		npm_parts dev
		need_chromium
		build "$cache/site" -fast
		go build -o "$cache/serve" ./wasm/edge/serve
		go build -o "$cache/bench" ./quant/internal/bench
		go build -o "$cache/dot" ./quant/internal/bench/dot
		GOOS=js GOARCH=wasm go build -o "$cache/dot.wasm" ./quant/internal/bench/dot
		GOOS=js GOARCH=wasm go build -tags=relaxed -o "$cache/dot-relaxed.wasm" ./quant/internal/bench/dot
		go run ./kernels/internal/relax "$cache/dot-relaxed.wasm"
	} >&2
	local here
	here=$(cd "$cache" && pwd)
	FEWBITS_CACHE=$here FEWBITS_SITE=$here/site FEWBITS_SERVE=$here/serve node web/test/bench/main.mjs "$file"
}
