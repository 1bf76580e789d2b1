# Shared by bin/setup, verify, examples/run and benchmarks/run; sourced, never run.
# shellcheck shell=bash

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
readonly root
readonly min_jdk=17
readonly min_maven=3.8.7

# Prints the feature version of the JDK in folder $1 (17, 25); nothing if there is no compiler in it.
jdk_version() {
  [[ -x "$1/bin/javac" ]] || return 0
  local version=
  if [[ -r "$1/release" ]]; then
    version=$(sed -n 's/^JAVA_VERSION="\([^"]*\)".*/\1/p' "$1/release")
  fi
  if [[ -z "$version" ]]; then
    version=$("$1/bin/javac" -version 2>&1 | sed -n 's/^javac \([0-9].*\)/\1/p')
  fi
  version=${version#1.}
  echo "${version%%[!0-9]*}"
}

is_new_enough_jdk() {
  local version
  version=$(jdk_version "$1")
  [[ -n "$version" && "$version" -ge $min_jdk ]]
}

# Prints the folder of the JDK to build with: JAVA_HOME, the one on the PATH, then the installed ones.
find_jdk() {
  local candidate javac
  local candidates=()
  [[ -n "${JAVA_HOME:-}" ]] && candidates+=("$JAVA_HOME")
  if javac=$(command -v javac); then
    candidates+=("$(dirname "$(dirname "$(readlink -f "$javac")")")")
  fi
  candidates+=(/usr/lib/jvm/*)
  for candidate in "${candidates[@]}"; do
    if is_new_enough_jdk "$candidate"; then
      echo "$candidate"
      return 0
    fi
  done
  return 1
}

# Prints the folder of a JDK 25: JAVA25_HOME, then the installed ones.
find_jdk25() {
  local candidate
  for candidate in "${JAVA25_HOME:-}" /usr/lib/jvm/*25*; do
    if [[ -n "$candidate" && "$(jdk_version "$candidate")" == 25 ]]; then
      echo "$candidate"
      return 0
    fi
  done
  return 1
}

# Prints Maven's version.
maven_version() {
  command -v mvn > /dev/null || return 1
  mvn -B --version 2> /dev/null | sed -n 's/.*Apache Maven \([0-9.]*\).*/\1/p'
}

# Holds if version $1 is at least version $2.
version_at_least() {
  [[ "$(printf '%s\n%s\n' "$1" "$2" | sort -V | head -n 1)" == "$2" ]]
}

has_maven() {
  local version
  version=$(maven_version) && [[ -n "$version" ]] && version_at_least "$version" "$min_maven"
}

# Makes the JDK found the one that Maven and the program run on.
use_jdk() {
  JAVA_HOME=$(find_jdk)
  export JAVA_HOME PATH="$JAVA_HOME/bin:$PATH"
}

# Prints a hash over path, size and time of everything that the build of module $1 reads.
fingerprint() {
  (
    cd "$root"
    echo "$JAVA_HOME"
    # A module without sources yet is no failure.
    { find pom.xml .mvn ./*/pom.xml ./commslib-*/src/main "./$1/src/main" \
      -type f -printf '%p %s %T@\n' 2> /dev/null || true; } | sort
  ) | sha256sum
}

# Holds if every jar, and every folder that has sources, of the class path in file $1 is still there.
class_path_exists() {
  local entry
  local entries=()
  IFS=: read -r -a entries < "$1"
  for entry in "${entries[@]}"; do
    if [[ ! -e "$entry" ]]; then
      [[ "$entry" == */target/classes && ! -d "${entry%/target/classes}/src/main" ]] || return 1
    fi
  done
}

# Brings target/classes and target/run.classpath of module $1 up to date; silent unless that fails.
build_module() {
  local module=$1 target="$root/$1/target" now
  mkdir -p "$target"
  exec 9> "$target/run.lock"
  flock 9
  now=$(fingerprint "$module")
  if [[ -s "$target/run.classpath" && -d "$target/classes" ]] \
    && [[ "$(cat "$target/run.stamp" 2> /dev/null)" == "$now" ]] \
    && class_path_exists "$target/run.classpath"; then
    exec 9>&-
    return 0
  fi
  rm -f "$target/run.stamp"
  echo "building $module ..." >&2
  if ! (cd "$root" && mvn -B -q -pl "$module" -am process-classes) > "$target/run.log" 2>&1; then
    cat "$target/run.log" >&2
    echo "build failed; the lines above are in $module/target/run.log" >&2
    exit 1
  fi
  echo "$now" > "$target/run.stamp"
  exec 9>&-
}

# Runs main class $2 of module $1 with the remaining arguments in place of this process.
run_main() {
  local module=$1 main_class=$2
  shift 2
  local options=()
  # The program is told whether somebody watches.
  [[ ! -t 1 ]] || options+=(-Dcommslib.terminal=true)
  exec java ${options[@]+"${options[@]}"} -cp "$root/$module/target/classes:$(cat "$root/$module/target/run.classpath")" \
    "$main_class" "$@"
}
