# shellcheck shell=sh disable=SC2034
# The flags of every build and test. One set of flags is one build folder: with any other, SwiftPM
# compiles everything anew each time that a person goes from ./kymo to `make test` and back.
# Release, because numerics in debug mode are about 50 times slower; -enable-testing, because
# @testable needs it.
KYMO_BUILD_FLAGS="-c release -Xswiftc -enable-testing"

# `swift test` would add a second -enable-testing by itself, which is a different command line and
# thus a full rebuild. One test at a time: tests use both cores themselves, and some measure memory.
KYMO_TEST_FLAGS="$KYMO_BUILD_FLAGS --disable-testable-imports --disable-xctest --no-parallel"

# As the tool itself does: threads of libtorch wait for each other by a short spin (see Engine.swift).
export GOMP_SPINCOUNT="${GOMP_SPINCOUNT:-1000}"
