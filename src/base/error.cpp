#include <stoa/error.h>

#include "base/printable.h"

#include <fmt/format.h>

#include <utility>

namespace stoa {

struct Error::Detail {
  Place place;
  bool has_place = false;
  std::string reason;
  std::vector<Violation> violations;
};

namespace {

// "value, 7,", or of a rule of several fields "values, 7, 9,".
std::string same_value(const Violation& violation) {
  return fmt::format("{}, {},", violation.field.empty() ? "values" : "value", printable(violation.value));
}

// "entity 12:1": a reader who meets "12:1" alone does not know what it is.
std::string entity_text(Entity entity) { return fmt::format("entity {}:{}", entity.index(), entity.generation()); }

std::string describe(const Violation& violation) {
  const std::string entity = entity_text(violation.entity), target = entity_text(violation.target);
  switch (violation.kind) {
    case Violation::Kind::unique:
      return fmt::format("{}: {} has the same {} as {}", violation.constraint, entity, same_value(violation), target);
    case Violation::Kind::required:
      return fmt::format("{}: {} has no value, and one is required", violation.constraint, entity);
    case Violation::Kind::range:
      return fmt::format("{}: {} has {}, which is not {}", violation.constraint, entity, violation.value,
                         violation.bounds);
    case Violation::Kind::foreign_key_missing:
      return fmt::format("{}: {} refers to {}, which {}", violation.constraint, entity, target,
                         violation.referenced.empty() ? "is not alive" : "has no row in " + violation.referenced);
    case Violation::Kind::foreign_key_restrict:
      return fmt::format("{}: {}{} cannot go, {} refers to it", violation.constraint,
                         violation.referenced.empty() ? "" : "the row in " + violation.referenced + " of ", target,
                         entity);
    case Violation::Kind::cascade_limit:
      return fmt::format("{}: the cascade from {} passes the limit", violation.constraint, target);
  }
  return violation.constraint;
}

}  // namespace

Error::Error(ErrorCode code, std::string reason)
    : code_(code), detail_(std::make_shared<const Detail>(Detail{{}, false, std::move(reason), {}})) {}

Error::Error(ErrorCode code, Place place, std::string reason)
    : code_(code), detail_(std::make_shared<const Detail>(Detail{std::move(place), true, std::move(reason), {}})) {}

Error::Error(std::vector<Violation> violations)
    : code_(ErrorCode::constraint_violation),
      detail_(std::make_shared<const Detail>(Detail{{}, false, {}, std::move(violations)})) {}

std::string Error::message() const {
  if (detail_ == nullptr) return std::string(to_string(code_));
  std::string out;
  if (detail_->has_place) {
    out = printable(detail_->place.source);
    if (detail_->place.line != 0) {
      out += fmt::format(":{}", detail_->place.line);
      if (detail_->place.column != 0) out += fmt::format(":{}", detail_->place.column);
    } else if (detail_->place.offset != 0) {
      out += fmt::format(" at byte {}", detail_->place.offset);
    }
    out += ": ";
  }
  out += detail_->reason;
  for (const Violation& violation : detail_->violations) {
    if (!out.empty()) out += '\n';
    out += describe(violation);
  }
  return out;
}

const std::vector<Violation>& Error::violations() const {
  static const std::vector<Violation> none;
  return detail_ == nullptr ? none : detail_->violations;
}

const Place* Error::place() const { return detail_ != nullptr && detail_->has_place ? &detail_->place : nullptr; }

std::string_view Error::reason() const {
  return detail_ == nullptr ? to_string(code_) : std::string_view(detail_->reason);
}

Error Error::not_found(std::string_view what) { return {ErrorCode::not_found, fmt::format("not found: {}", what)}; }
Error Error::invalid(std::string_view what) { return {ErrorCode::invalid_argument, std::string(what)}; }

// Without a detail: it is made where there is no memory for one.
Error Error::out_of_memory() { return Error(ErrorCode::out_of_memory); }

std::string_view to_string(ErrorCode code) {
  switch (code) {
    case ErrorCode::invalid_argument: return "invalid_argument";
    case ErrorCode::not_found: return "not_found";
    case ErrorCode::already_exists: return "already_exists";
    case ErrorCode::constraint_violation: return "constraint_violation";
    case ErrorCode::conflict: return "conflict";
    case ErrorCode::timeout: return "timeout";
    case ErrorCode::busy: return "busy";
    case ErrorCode::too_large: return "too_large";
    case ErrorCode::out_of_memory: return "out_of_memory";
    case ErrorCode::read_only: return "read_only";
    case ErrorCode::closed: return "closed";
    case ErrorCode::aborted: return "aborted";
    case ErrorCode::schema_invalid: return "schema_invalid";
    case ErrorCode::schema_mismatch: return "schema_mismatch";
    case ErrorCode::locked: return "locked";
    case ErrorCode::not_a_database: return "not_a_database";
    case ErrorCode::corrupt: return "corrupt";
    case ErrorCode::io: return "io";
    case ErrorCode::disk_full: return "disk_full";
    case ErrorCode::history_gone: return "history_gone";
    case ErrorCode::fork: return "fork";
    case ErrorCode::unknown_outcome: return "unknown_outcome";
  }
  return "unknown";
}

std::string_view to_string(Violation::Kind kind) {
  switch (kind) {
    case Violation::Kind::unique: return "unique";
    case Violation::Kind::required: return "required";
    case Violation::Kind::range: return "range";
    case Violation::Kind::foreign_key_missing: return "foreign_key_missing";
    case Violation::Kind::foreign_key_restrict: return "foreign_key_restrict";
    case Violation::Kind::cascade_limit: return "cascade_limit";
  }
  return "unknown";
}

}  // namespace stoa
