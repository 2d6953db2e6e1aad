// What happens in a database, told to those who asked: transaction by transaction, or what of the world they look at.
#pragma once

#include <stoa/delta.h>
#include <stoa/describe.h>
#include <stoa/entity.h>
#include <stoa/error.h>
#include <stoa/schema.h>
#include <stoa/snapshot.h>

#include <chrono>
#include <cstdint>
#include <expected>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

namespace stoa {

/// What a subscriber looks at: rows of some tables, of the entities that it wants.
///
///     Filter().tables<Position, Health>().where<Position>([&](Entity, const Position& p) { return near(p); })
class Filter {
 public:
  using Predicate = std::function<bool(const Snapshot&, Entity)>;

  /// Rows of these tables, and those named before; where none is named, of all.
  template <Component... T>
  Filter& tables() {
    (tables_.push_back(named<T>()), ...);
    return *this;
  }
  Filter& table(std::string_view name);

  /// Of entities that have a row in each of T and for which `predicate(Entity, const T&...)` holds. It is asked again
  /// when one of the entity's own rows has changed, so it must depend on these alone, and on what
  /// Subscription::refilter() is called for. Each further where() must hold as well.
  /// Threads: it is asked where the deltas are received, by one thread at a time. What it throws ends the subscription.
  template <Component... T, typename P>
  Filter& where(P predicate) {
    static_assert(sizeof...(T) != 0, "stoa: where: of which tables?");
    (asked_.push_back(named<T>()), ...);
    predicates_.emplace_back([predicate = std::move(predicate)](const Snapshot& snapshot, Entity entity) {
      const auto rows = std::make_tuple(snapshot.get<T>(entity)...);
      return std::apply([&](const auto*... row) { return (... && (row != nullptr)) && predicate(entity, *row...); },
                        rows);
    });
    return *this;
  }

  /// The tables' numbers, ascending; none is all. Errors: not_found, a name; throws std::logic_error, if a type has no
  /// table.
  [[nodiscard]] std::expected<std::vector<TableId>, Error> find_tables(const CompiledSchema& schema) const;
  [[nodiscard]] const std::vector<Predicate>& predicates() const { return predicates_; }

 private:
  struct NamedTable {
    std::function<TableId(const CompiledSchema&)> find;
    std::string name;
  };
  template <Component T>
  static NamedTable named() {
    return {[](const CompiledSchema& schema) {
              const TableId table = schema.table_of<T>();
              if (table == no_table) detail::throw_no_table(detail::pretty_name<T>());
              return table;
            },
            {}};
  }

  std::vector<NamedTable> tables_;
  std::vector<NamedTable> asked_;  // by the predicates
  std::vector<Predicate> predicates_;
};

/// What becomes of a subscriber to transactions who is further behind than Options::backlog_bytes_max.
enum class Backlog : std::uint8_t {
  end,       ///< the subscription ends, with history_gone
  coalesce,  ///< what it has missed comes as one delta, from the version that it is at to the newest. For that it holds
             ///< a snapshot, which keeps the memory of what has changed since
  wait,      ///< the writer waits for it, and so do all commits, for wait_max each time; where that is too short the
             ///< subscription ends, with history_gone. Whoever waits for a commit in its function, or both commits and
             ///< polls, then waits for nobody but itself, until wait_max has passed
};

struct SubscribeOptions {
  Backlog backlog = Backlog::end;                               ///< with a filter it is coalesce, whatever this says
  std::chrono::nanoseconds wait_max = std::chrono::seconds(1);  ///< of Backlog::wait; from 0 on
  /// A delta comes once it is durable: no crash takes back what was told. Else as soon as it is visible, which is the
  /// same with Durability::sync; and always where nothing is made durable, in memory and with Durability::none.
  bool durable = true;
  /// Called when the subscription ends by itself, with the reason; after the last delta, on the thread that those are
  /// received on. It may end the handle, and the database. It must not throw.
  std::function<void(const Error&)> ended = {};
};

namespace detail {
class Subscriber;
}

/// Ends with this handle. It may outlive the database.
///
/// Errors:  in a moved-from one all calls throw std::logic_error.
/// Threads: one at a time, also while the database is being closed.
class [[nodiscard]] Subscription {
 public:
  Subscription(Subscription&& other) noexcept;
  Subscription& operator=(Subscription&& other) noexcept;
  /// No call begins after this, and none is under way, but for one that this is called in.
  ~Subscription();

  /// Of a subscription without a function: the next delta, none where there is none yet.
  /// Errors: closed — the database is, and what was not taken before is not to be had any more. These end the
  /// subscription: history_gone — it was too far behind; aborted — a filter threw; out_of_memory. Throws
  /// std::logic_error where there is a function.
  [[nodiscard]] std::expected<std::optional<Delta>, Error> poll();
  /// The same; where there is none yet, waits until there is, for so long at most.
  [[nodiscard]] std::expected<std::optional<Delta>, Error> poll(std::chrono::nanoseconds wait);

  /// The filter's predicates depend on something that has changed, like where the player is: they are asked again of
  /// every entity before the next delta, which then comes if it says anything.
  void refilter();

  /// All up to this version has been received, or is being received: the one that the last delta leads to. Before the
  /// first, the one that it begins from; with a filter 0.
  [[nodiscard]] Version version() const;
  /// Why it ended by itself; none where it has not.
  [[nodiscard]] std::optional<Error> error() const;

 private:
  friend class Database;
  explicit Subscription(std::shared_ptr<detail::Subscriber> subscriber);
  [[nodiscard]] detail::Subscriber& subscriber() const;

  std::shared_ptr<detail::Subscriber> subscriber_;
};

}  // namespace stoa
