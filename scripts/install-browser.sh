#!/bin/sh
# Install Chromium, in which the pages of reports are tested, from Debian's packages where it is missing. Exits with 75
# where it cannot be had: these tests are skipped then.
set -eu

for name in chromium chromium-browser google-chrome; do
    if command -v "$name" >/dev/null; then exit 0; fi
done
refuse() {
    printf 'the pages of reports are not tested: there is no Chromium, and %s\n' "$1" >&2
    exit 75
}
command -v apt-get >/dev/null || refuse 'no apt-get to install it with'
if [ "$(id -u)" = 0 ]; then as_root=''
elif sudo -n true 2>/dev/null; then as_root='sudo -n'
else refuse 'only root can install it: apt-get install chromium'
fi
export DEBIAN_FRONTEND=noninteractive
$as_root apt-get update -qq || refuse 'apt-get update has failed'
# A page needs a font as well.
$as_root apt-get install -qq --yes --no-install-recommends chromium fonts-dejavu-core >/dev/null \
    || refuse 'apt-get install has failed'
