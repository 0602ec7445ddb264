#!/bin/sh
# Install the programs that the tests compare with: the real sendmail, makemap, editmap, m4, tinycdb, and the
# utilities of Berkeley DB and NSS.  Debian and Ubuntu, as root.  The one thing to know: nothing is started or configured.
set -eu

missing=""
for program in sendmail makemap editmap m4 openssl db5.3_verify unshare strace cdb certutil; do
    PATH="$PATH:/usr/sbin:/sbin" command -v "$program" >/dev/null 2>&1 || missing="$missing $program"
done
[ -f /usr/include/db.h ] || missing="$missing db.h" # for the binding berkeleydb
[ -d /usr/share/sendmail/cf ] || missing="$missing sendmail-cf"
if [ -z "$missing" ]; then
    echo "all programs are here"
    exit 0
fi
if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null 2>&1; then
    echo "missing:$missing; on Debian or Ubuntu, run this as root" >&2
    exit 1
fi
export DEBIAN_FRONTEND=noninteractive
apt-get update -q
apt-get install -q -y --no-install-recommends \
    sendmail-bin sendmail-cf m4 libsasl2-modules openssl db5.3-util libdb5.3-dev util-linux strace tinycdb \
    libnss3-tools
