#include "cli/exit_status.h"

namespace stoa::cli {

ExitStatus exit_status_of(ErrorCode code) {
  switch (code) {
    case ErrorCode::invalid_argument:
    case ErrorCode::already_exists:
    case ErrorCode::constraint_violation:
    case ErrorCode::conflict:
    case ErrorCode::too_large:
    case ErrorCode::schema_invalid:
    case ErrorCode::corrupt:
    case ErrorCode::fork: return ExitStatus::data_wrong;
    case ErrorCode::not_found:
    case ErrorCode::timeout:
    case ErrorCode::busy:
    case ErrorCode::out_of_memory:
    case ErrorCode::read_only:
    case ErrorCode::closed:
    case ErrorCode::aborted:
    case ErrorCode::schema_mismatch:
    case ErrorCode::locked:
    case ErrorCode::not_a_database:
    case ErrorCode::io:
    case ErrorCode::disk_full:
    case ErrorCode::history_gone:
    case ErrorCode::unknown_outcome: return ExitStatus::call_wrong;
  }
  return ExitStatus::call_wrong;
}

}  // namespace stoa::cli
