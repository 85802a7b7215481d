// SPDX-License-Identifier: MIT
// The inline namespace that everything lives in names version, instruction set and checks, so that a name which carries a strata type does
// not link across builds that differ in them. Every header includes this one first and opens `namespace strata::inline STRATA_ABI::tcp {`.
#pragma once

// Checks trap on a broken precondition and watch the law of the frame. STRATA_CHECKS=0|1; by default they follow NDEBUG.
#ifndef STRATA_CHECKS
#ifdef NDEBUG
#define STRATA_CHECKS 0
#else
#define STRATA_CHECKS 1
#endif
#endif

#if defined(__AVX512BW__) && defined(__AVX512VL__)
#define STRATA_ISA avx512
#define STRATA_ISA_DIGIT "2"
#elif defined(__AVX2__)
#define STRATA_ISA avx2
#define STRATA_ISA_DIGIT "1"
#else
#define STRATA_ISA plain
#define STRATA_ISA_DIGIT "0"
#endif

// A test counts the copies of payload: core/bytes.hpp. That is another build too.
#ifdef STRATA_COUNT_COPIES
#define STRATA_VERSION v0_counted
#else
#define STRATA_VERSION v0
#endif

#define STRATA_PASTE_(version, isa, checks) version##_##isa##_##checks
#define STRATA_PASTE(version, isa, checks) STRATA_PASTE_(version, isa, checks)
#if STRATA_CHECKS
#define STRATA_ABI STRATA_PASTE(STRATA_VERSION, STRATA_ISA, checked)
#define STRATA_CHECKS_DIGIT "1"
#else
#define STRATA_ABI STRATA_PASTE(STRATA_VERSION, STRATA_ISA, unchecked)
#define STRATA_CHECKS_DIGIT "0"
#endif

// A user's own struct that holds a stack hides its type from the linker. An absolute symbol with the same facts does not: equal values merge,
// different values are "multiple definition of `strata_abi_is_mixed'". It costs no byte and no code. Not under LTO, where clang calls equal values
// duplicates and g++ sees nothing (there -Wodr does); our CMake target knows.
#if defined(STRATA_LINK_CHECK) && defined(__ELF__)
__asm__(".globl strata_abi_is_mixed\n.set strata_abi_is_mixed, 0x1" STRATA_ISA_DIGIT STRATA_CHECKS_DIGIT "\n");
#endif

/// A precondition. Traps in builds with checks, costs nothing in others; define it before the first strata header to report in your own way.
#ifndef STRATA_EXPECTS
#if STRATA_CHECKS
#define STRATA_EXPECTS(x) ((x) ? void() : __builtin_trap())
#else
#define STRATA_EXPECTS(x) void()
#endif
#endif

// [[likely]] and [[unlikely]] say which way the quiet connection goes: one message in flight, a queue that is empty, one frame in a batch. There the caches and
// the predictor are cold, and each jump that is taken costs more than a line of code; a busy one has them warm and does not care.

/// A function that is worth its copies on a hot path; nothing where size counts more (-Os), or where nothing is optimised (-O0): there the copies of copies
/// would be most of what a unit is compiled to. STRATA_INLINE_LAMBDA stands behind a lambda's parameters. STRATA_OFF_PATH keeps a function that is seldom
/// called out of such a path.
#if defined(__OPTIMIZE_SIZE__) || !defined(__OPTIMIZE__)
#define STRATA_ALWAYS_INLINE
#define STRATA_INLINE_LAMBDA
#define STRATA_OFF_PATH
#else
#define STRATA_ALWAYS_INLINE [[gnu::always_inline]]
#define STRATA_INLINE_LAMBDA __attribute__((always_inline))
#define STRATA_OFF_PATH [[gnu::noinline]]
#endif
/// A function that is shorter than a call of it, which compilers do not always see where its result is a pair of words.
#if defined(__OPTIMIZE__)
#define STRATA_SHORTER_INLINE [[gnu::always_inline]]
#else
#define STRATA_SHORTER_INLINE
#endif
/// A function of many callers: where size counts more than speed (-Os), one copy of it is better than many, and the compiler guesses otherwise.
#if defined(__OPTIMIZE_SIZE__)
#define STRATA_OUT_OF_LINE [[gnu::noinline]]
#else
#define STRATA_OUT_OF_LINE
#endif
