# What people type. The work is done by the presets of CMakePresets.json and by scripts/.
JOBS ?= $(shell nproc)
ARGS ?=
PREFIX ?= /usr/local
export CMAKE_BUILD_PARALLEL_LEVEL = $(JOBS)
MAKEFLAGS += --no-print-directory
# ccache then finds what another clone, or another preset of this one, has compiled.
export CCACHE_BASEDIR = $(CURDIR)
export CCACHE_NOHASHDIR = 1

# ThreadSanitizer of GCC 12 cannot live with as much address randomisation as newer kernels have.
SAME_ADDRESSES = $(shell setarch --addr-no-randomize true 2>/dev/null && echo setarch --addr-no-randomize)

.DEFAULT_GOAL := help
.PHONY: help setup demo test dev relassert asan tsan tiny isolation stress bench bench-quick massif protocols fuzz fuzz-quick format format-check tidy install clean

help:  ## this list
	@awk -F ':.*## ' '/^[a-z -]+:.*## / {printf "make %-26s %s\n", $$1, $$2}' $(firstword $(MAKEFILE_LIST))

setup:  ## install missing packages (Debian, Ubuntu)
	@scripts/setup

demo: setup  ## run the subway example; ARGS="..." go to it
	@scripts/demo $(ARGS)

test: setup build/release/build.ninja  ## build everything for release and run all tests
	@cmake --build --preset release
	@ctest --preset release --parallel $(JOBS) --no-label-summary

dev relassert asan tiny: %: setup build/%/build.ninja  ## the same with another preset
	@cmake --build --preset $@
	@ctest --preset $@ --parallel $(JOBS) --no-label-summary

tsan: setup build/tsan/build.ninja  ## the tests that run threads, under ThreadSanitizer
	@$(SAME_ADDRESSES) cmake --build --preset tsan
	@$(SAME_ADDRESSES) ctest --preset tsan --parallel $(JOBS) --no-label-summary

isolation: setup build/release/build.ninja  ## judge 500 histories of 10,000 transactions; ROUNDS=<n> for another number
	@cmake --build --preset release --target stoa_isolation_concurrent_tests
	@STOA_TEST_ROUNDS=$(or $(ROUNDS),500) build/release/tests/isolation/stoa_isolation_concurrent_tests \
	  --gtest_filter='*HistoriesAreStrictlySerialisable'

stress: setup build/release/build.ninja  ## 100 million items through the queue, from each number of producers
	@cmake --build --preset release --target stoa_queue_concurrent_tests
	@STOA_TEST_SCALE=$(or $(SCALE),250) build/release/src/stoa_queue_concurrent_tests --gtest_filter='MpscQueue/*'

bench: setup  ## measure; ARGS="..." go to the benchmarks
	@scripts/bench $(ARGS)

bench-quick: setup  ## run each benchmark at its smallest
	@scripts/bench --quick $(ARGS)

massif:  ## the memory of a world that is loaded, worked on and emptied, under Valgrind
	@scripts/massif $(ARGS)

protocols:  ## check the models of what threads agree on, with spin; ARGS=--quick for those of CI
	@tests/protocols/run $(ARGS)

fuzz:  ## fuzz what reads bytes from outside, a million executions each; TIME=<seconds> each, TARGETS="..." for some
	@scripts/setup --fuzz
	@fuzz/run $(TARGETS)

fuzz-quick:  ## the same, 10,000 executions each
	@scripts/setup --fuzz
	@fuzz/run --quick $(TARGETS)

format:  ## format all sources in place
	@scripts/format

format-check:  ## fail if a source is not formatted
	@scripts/format --check

tidy:  ## clang-tidy over the library
	@scripts/tidy

install: setup build/release/build.ninja  ## install headers, library, package and the program stoa into PREFIX
	@cmake --build --preset release --target stoa stoa_cli
	@cmake --install build/release --prefix "$(PREFIX)"

clean:  ## remove all builds
	@rm -rf build

# Configured once, and again when the presets change; what else matters, the build itself watches.
build/%/build.ninja: CMakePresets.json
	@cmake --preset $* --log-level=WARNING && touch $@
.PRECIOUS: build/%/build.ninja
