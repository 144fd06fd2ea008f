# ./build.sh deploy: sourced by build.sh. Publishes dist/ and the worker to the
# account that wrangler is logged in to (npx wrangler login, or
# CLOUDFLARE_API_TOKEN). wrangler needs Node ≥ 22.12.
cmd_deploy() {
	local dry=()
	case ${1-} in
	-dry-run) dry=(--dry-run) ;;
	'') ;;
	*) wrong "deploy does not take \"$1\"" ;;
	esac
	need
	local v
	v=$(node -p 'const [a, b] = process.versions.node.split("."); a * 100 + +b')
	[ "$v" -ge 2212 ] || die "deploy needs Node 22.12 or newer, for wrangler; this is $(node -v)"
	cmd_dist
	mkdir -p "$cache/worker"
	go run github.com/syumai/workers/cmd/workers-assets-gen -mode=go -o "$cache/worker"
	wasm "$cache/worker/app.wasm" ./wasm/edge/worker
	(cd wasm/edge && npx --yes wrangler@4.164.0 deploy "${dry[@]}")
}
