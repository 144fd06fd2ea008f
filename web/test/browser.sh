# Sourced by test.sh and bench.sh.

# Debian's chromium; elsewhere CHROMIUM names a browser that is there.
need_chromium() {
	CHROMIUM=${CHROMIUM:-$(command -v chromium || command -v chromium-browser || command -v google-chrome || true)}
	if [ -z "$CHROMIUM" ]; then
		command -v apt-get >/dev/null || die "no Chromium: install it, or name one in CHROMIUM"
		echo "installing chromium"
		local as=()
		[ "$(id -u)" = 0 ] || as=(sudo)
		"${as[@]}" apt-get update -qq >/dev/null && "${as[@]}" apt-get install -y -qq chromium >/dev/null 2>&1 ||
			die "apt-get install chromium failed: install it by hand, or name a browser in CHROMIUM"
		CHROMIUM=$(command -v chromium)
	fi
	export CHROMIUM
}
