#!/usr/bin/env bash
# Fills a folder with what programs for 64-bit Arm are built with: Debian 12's arm64 packages of the C and C++ library,
# PCRE2 and xxHash. Nothing is installed, and dpkg on this machine is not told: removing the folder undoes it.
#   tools/setup-aarch64.sh [FOLDER]     default: build/sysroot-aarch64, where CMake looks for it; others by TENON_AARCH64_SYSROOT
# 21 MB are fetched, half of it the list of packages; 80 MB stay.
set -euo pipefail
folder=${1:-$(dirname "$0")/../build/sysroot-aarch64}
[[ -e $folder/.complete ]] && { echo "$folder is complete"; exit 0; }

packages=(libc6 libc6-dev linux-libc-dev libgcc-s1 libgcc-12-dev libstdc++6 libstdc++-12-dev libpcre2-dev libxxhash-dev nlohmann-json3-dev libcli11-dev)

# apt of its own: this machine's sources and keys, another architecture, lists in a folder that goes away.
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$work/lists/partial" "$work/archives/partial" "$folder"
: >"$work/status"
apt=(apt-get -qq -o APT::Architecture=arm64 -o APT::Architectures=arm64 -o "Dir::State::status=$work/status"
  -o "Dir::State::lists=$work/lists" -o "Dir::Cache=$work" -o APT::Sandbox::User= -o Acquire::Retries=0 -o Acquire::http::Timeout=10 -o Acquire::Languages=none)
"${apt[@]}" update
(cd "$work" && "${apt[@]}" download "${packages[@]}")
for package in "$work"/*.deb; do
  dpkg-deb -x "$package" "$folder"
done
rm -rf "$folder/usr/share/doc"
# Links that begin at the root would lead out of the folder.
find "$folder" -type l -lname '/*' | while read -r link; do
  ln -sfnr "$folder$(readlink "$link")" "$link"
done
touch "$folder/.complete"
echo "$folder is complete; cmake -S . -B build finds it, ninja -C build runtime-aarch64-linux-gnu then builds the runtime"
