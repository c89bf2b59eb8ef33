#!/bin/sh
# Uses coscmd as a person would: uploads in parts, reads back, and prints `ok`. Its first argument is the folder of the program.
# It sends files of more than 20 MiB in parts.
set -eu
home=$(mktemp -d)
trap 'rm -rf "$home"' EXIT
export HOME="$home"
cd "$home"
program=$1/coscmd
head -c $((20 * 1024 * 1024 + 17)) /dev/urandom >content
"$program" config -a "$COS_SECRET_ID" -s "$COS_SECRET_KEY" -b "$COS_BUCKET" -r "$COS_REGION" -p 8 --retry 3
printf '\nmultiupload_threshold = 20\n' >>.cos.conf
"$program" upload content coscmd
"$program" download coscmd copy
cmp content copy
echo ok
