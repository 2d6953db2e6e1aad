#include "cli/import/settle.h"

#include <fmt/format.h>

#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "csv/shown.h"

namespace stoa::cli {
namespace {

/// A key that is referred to: one of its rule's values.
struct Key {
  const UniqueRule* rule;
  std::uint32_t value;
};

/// The columns of a file that refer, in the order of their references.
std::vector<std::size_t> referring_columns(const FilePlan& plan) {
  std::vector<std::size_t> out;
  for (std::size_t i = 0; i < plan.columns.size(); ++i) {
    if (plan.columns[i].use == ColumnPlan::Use::reference) out.push_back(i);
  }
  return out;
}

class Settlement {
 public:
  explicit Settlement(ImportRun& run) : run_(run) {
    for (const ImportFile& file : run_.files) columns_.push_back(referring_columns(file.plan));
  }

  std::expected<void, Error> run() {
    // In the order of the files, so that the first fault found is the first there is.
    for (std::uint32_t file = 0; file < run_.files.size(); ++file) {
      if (columns_[file].empty()) continue;
      for (std::uint32_t record = 0; record < run_.files[file].record_count(); ++record) {
        if (auto judged = judge({file, record}); !judged) return judged;
      }
    }
    if (!fallen_.empty()) collect_referrers();
    while (!fallen_.empty() || !woken_.empty()) {
      // Who has a key in the end, before those that refer to it.
      if (!woken_.empty()) {
        const RecordNumber woken = woken_.back();
        woken_.pop_back();
        if (auto judged = judge(woken); !judged) return judged;
        continue;
      }
      const Key key = fallen_.back();
      fallen_.pop_back();
      for (const RecordNumber referrer : referrers_of(key)) {
        if (auto judged = judge(referrer); !judged) return judged;
      }
    }
    return run_.waiting.give_up(run_);
  }

 private:
  std::expected<void, Error> judge(RecordNumber number) {
    ImportFile& file = run_.files[number.file];
    if (file.left_out[number.record]) return {};
    const std::vector<std::size_t>& columns = columns_[number.file];
    for (std::size_t i = 0; i < columns.size(); ++i) {
      const std::uint32_t value = file.references[number.record * columns.size() + i];
      const UniqueRule& target = *file.plan.columns[columns[i]].target;
      if (value == TextIndex::none || run_.is_there(target.holders[value])) continue;
      return leave_out(number, columns[i], {&target, value});
    }
    return {};
  }

  std::expected<void, Error> leave_out(RecordNumber number, std::size_t column, Key missing) {
    ImportFile& file = run_.files[number.file];
    file.left_out[number.record] = true;
    ++file.rows_left_out;
    if (file.plan.has_key) fallen_.push_back({file.plan.rules.front().rule, file.keys[number.record]});

    const Holder& holder = missing.rule->holders[missing.value];
    std::string reason = fmt::format("{}: no row of {} has the key {}", file.plan.columns[column].field->name,
                                     missing.rule->table->name, csv::quoted(missing.rule->values.text(missing.value)));
    if (holder.kind == Holder::Kind::record) {
      const ImportFile& other = run_.files[holder.record.file];
      reason +=
          fmt::format(" ({}:{} is left out)", csv::printable(other.path.string()), other.lines[holder.record.record]);
    }
    auto noted = run_.problems.leave_out(
        number, Error(ErrorCode::constraint_violation,
                      Place{file.path.string(), file.lines[number.record], column + 1, 0}, std::move(reason)));
    run_.waiting.wake(run_, number, woken_);  // from here on another may be the holder
    return noted;
  }

  /// Who refers to each key, side by side: those of the key whose number among all is n lie between starts_[n] and
  /// starts_[n + 1].
  void collect_referrers() {
    std::size_t keys = 0;
    for (const UniqueRule& rule : run_.rules.all()) {
      first_key_.emplace_back(&rule, keys);
      keys += rule.values.size();
    }
    starts_.assign(keys + 1, 0);
    each_reference([this](Key key, RecordNumber) { ++starts_[number_of(key) + 1]; });
    for (std::size_t i = 0; i < keys; ++i) starts_[i + 1] += starts_[i];
    referrers_.resize(starts_.back());
    std::vector<std::size_t> next(starts_.begin(), starts_.end() - 1);
    each_reference([&](Key key, RecordNumber referrer) { referrers_[next[number_of(key)]++] = referrer; });
  }

  template <typename Function>
  void each_reference(Function&& function) const {
    for (std::uint32_t file = 0; file < run_.files.size(); ++file) {
      const ImportFile& in = run_.files[file];
      const std::vector<std::size_t>& columns = columns_[file];
      for (std::size_t i = 0; i < columns.size(); ++i) {
        const UniqueRule* target = in.plan.columns[columns[i]].target;
        for (std::uint32_t record = 0; record < in.record_count(); ++record) {
          const std::uint32_t value = in.references[record * columns.size() + i];
          if (value != TextIndex::none) function(Key{target, value}, RecordNumber{file, record});
        }
      }
    }
  }

  [[nodiscard]] std::size_t number_of(Key key) const {
    for (const auto& [rule, first] : first_key_) {
      if (rule == key.rule) return first + key.value;
    }
    std::unreachable();
  }
  [[nodiscard]] std::span<const RecordNumber> referrers_of(Key key) const {
    const std::size_t number = number_of(key);
    return std::span(referrers_).subspan(starts_[number], starts_[number + 1] - starts_[number]);
  }

  ImportRun& run_;
  std::vector<std::vector<std::size_t>> columns_;  // by file
  std::vector<Key> fallen_;                        // keys of records newly left out
  std::vector<RecordNumber> woken_;                // records that are in again, and to be judged

  std::vector<std::pair<const UniqueRule*, std::size_t>> first_key_;
  std::vector<std::size_t> starts_;
  std::vector<RecordNumber> referrers_;
};

}  // namespace

std::expected<void, Error> settle(ImportRun& run) { return Settlement(run).run(); }

}  // namespace stoa::cli
