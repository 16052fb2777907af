#!/usr/bin/env bash
# Entry point of the build: checks what the target needs, installs what is missing, hands over to build.cake.
# Works on Debian and Ubuntu with git and the .NET 10 SDK; the rest comes from apt.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

usage() {
  cat >&2 <<'USAGE'
usage: ./build.sh [--target=TARGET] [--with=EXTRA[,EXTRA...]]

targets  Build (default)   native library, bindings, managed projects
         Demo              Build, then dmoe eval on the embedded model
         Test              Build, then every native and managed test
         Check             what must hold before a commit (see CONTRIBUTING.md)
         TestService       the running service in a browser and before Prometheus: --with=browser,prometheus
         TestIsa           native tests on emulated processors: AArch64, and x86-64 with less than this machine
         Bench             Google Benchmark and BenchmarkDotNet
         Limits            peak operations and read bandwidth of this machine, for 1..n threads
         Peers             builds benchmarks/DynamicMoE.Peers, the layer beside libtorch and ONNX Runtime
         Pack              NuGet packages under artifacts/packages
         TestPackages      packs, and uses the packages: fresh applications, the tool, a program compiled ahead of time
         PublicApi         the lists of public members, src/*/PublicAPI.Unshipped.txt
         Kernels           PTX of the CUDA kernels, native/cuda/ptx: after a change of a kernel
         Native  Bindings  TestNativeAsan  TestNativeTsan  TrainTinyMoE  Golden  Clean
extras   browser  qemu  prometheus  clang-19
USAGE
  exit 2
}

target=Build
with=
for argument in "$@"; do
  case "$argument" in
    --target=?*) target=${argument#*=} ;;
    --with=?*) with=${argument#*=} ;;
    *) echo "build.sh: unknown argument '$argument'" >&2; usage ;;
  esac
done

packages=() wanted=()
missing() { packages+=("$@"); }
# What only some tests or checks need: these are skipped where it cannot be had.
want_command() { command -v "$1" >/dev/null 2>&1 || wanted+=("${@:2}"); }
need_command() { command -v "$1" >/dev/null 2>&1 || missing "$2"; }
need_header() { [ -e "/usr/include/$1" ] || missing "$2"; }

# Clang is needed where the bindings are written, compared or their generator tested; a build with fresh bindings does without.
bindings_are_fresh() { sha256sum --check --status bindings/DynamicMoE.Bindings/Generated/header.sha256 2>/dev/null; }
# The generator takes any clang from 14 on, by these names.
find_clang() {
  local name
  for name in clang clang-{14..21}; do command -v "$name" 2>/dev/null && return; done
  return 1
}
need_clang() { [ -n "${DMOE_CLANG:-}" ] || find_clang >/dev/null || missing clang; }
need_native() { need_command cmake cmake; need_command ninja ninja-build; need_command g++ g++; }
need_build() { need_native; bindings_are_fresh || need_clang; }
need_native_tests() { need_native; need_header gtest/gtest.h libgtest-dev; }
need_tests() { need_native_tests; need_clang; }
need_qemu() { need_command qemu-aarch64-static qemu-user-static; need_command aarch64-linux-gnu-g++ g++-aarch64-linux-gnu; }

case "$target" in
  Native) need_native ;;
  Build | Demo | Pack | TestPackages | Peers | TestService | TrainTinyMoE | Golden) need_build ;;
  Bindings) need_clang ;;
  Kernels) need_native; need_command clang++-19 clang-19 ;;
  Test) need_tests ;;
  TestNativeAsan | TestNativeTsan) need_native_tests ;;
  TestIsa) need_native_tests; need_qemu ;;
  Bench) need_build; need_header benchmark/benchmark.h libbenchmark-dev ;;
  Limits) need_native; need_header benchmark/benchmark.h libbenchmark-dev ;;
  Check) need_tests; need_command clang-format clang-format; want_command clang++-19 clang-19 ;;
  Clean | PublicApi) ;;
  *) echo "build.sh: unknown target '$target'" >&2; usage ;;
esac

for extra in ${with//,/ }; do
  case "$extra" in
    browser) want_command chromium chromium fonts-dejavu-core; want_command chromedriver chromium-driver ;;
    qemu) need_qemu ;;
    prometheus) want_command prometheus prometheus ;;
    clang-19) need_command clang-19 clang-19 ;;
    *) echo "build.sh: unknown extra '$extra'" >&2; usage ;;
  esac
done

install_packages() {
  local root=()
  if [ "$(id -u)" -ne 0 ]; then
    sudo -n true 2>/dev/null && root=(sudo -n) || root=(unavailable)
  fi
  if [ "${root[0]:-}" = unavailable ] || ! command -v apt-get >/dev/null 2>&1; then
    echo "build.sh: target $target needs packages that are not installed. Run:" >&2
    echo "  sudo apt-get update && sudo apt-get install -y --no-install-recommends ${packages[*]}" >&2
    exit 1
  fi
  echo "build.sh: installing ${packages[*]}"
  local apt=("${root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -qq -o DPkg::Lock::Timeout=600)
  local log
  log=$(mktemp)
  # A broken third-party source fails the update, not what comes from the others.
  if ! { "${apt[@]}" update; "${apt[@]}" install -y --no-install-recommends "${packages[@]}"; } >"$log" 2>&1; then
    tail -n 20 "$log" >&2
    echo "build.sh: apt-get failed (log: $log)" >&2
    exit 1
  fi
  rm -f "$log"
}

# What native/README.md asks for; apt of an older distribution may give less.
require_version() {
  local found
  found=$("$1" --version | grep -m1 -oE '[0-9]+\.[0-9]+' | sed -n 1p)
  if [ "$(printf '%s\n%s\n' "$2" "$found" | sort -V | sed -n 1p)" != "$2" ]; then
    echo "build.sh: $1 $found is too old, $2 or newer is needed" >&2
    exit 1
  fi
}

export DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_NOLOGO=1
if ! sdk=$(dotnet --version 2>&1); then
  echo "build.sh: the .NET 10 SDK is needed (dotnet on PATH). dotnet said: $sdk" >&2
  exit 1
fi
[ ${#packages[@]} -eq 0 ] || install_packages
if [ ${#wanted[@]} -gt 0 ]; then
  (packages=("${wanted[@]}"); install_packages) || echo "build.sh: goes on without ${wanted[*]}" >&2
fi
case "$target" in
  Clean | Bindings | PublicApi) ;;
  *) require_version cmake 3.22; require_version g++ 12.0 ;;
esac

dotnet tool restore --verbosity quiet >/dev/null || dotnet tool restore
# The script cache spares the compilation of build.cake; both folders stay below artifacts/.
exec dotnet cake build.cake --target="$target" ${with:+--with="$with"} --verbosity=normal \
  --settings_enablescriptcache=true --paths_tools=artifacts/cake --paths_cache=artifacts/cake/cache
