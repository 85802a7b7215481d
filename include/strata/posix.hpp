// SPDX-License-Identifier: MIT
// Conveniences for programs on a POSIX system; nothing below this folder needs them.
#pragma once
#include <strata/posix/clock.hpp>
#include <strata/posix/entropy.hpp>
#include <strata/posix/explain.hpp>
#include <strata/posix/locked.hpp>
#include <strata/posix/mailbox.hpp>
#include <strata/posix/memory.hpp>
#include <strata/posix/pcap_file.hpp>
#include <strata/posix/run.hpp>
