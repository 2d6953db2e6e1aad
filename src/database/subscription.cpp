#include <stoa/subscription.h>

#include "database/subscriber.h"

#include <algorithm>
#include <stdexcept>
#include <utility>

namespace stoa {

Filter& Filter::table(std::string_view name) {
  tables_.push_back({[name = std::string(name)](const CompiledSchema& schema) {
                       const TableModel* table = schema.model().find(name);
                       return table == nullptr ? no_table : table->number;
                     },
                     std::string(name)});
  return *this;
}

std::expected<std::vector<TableId>, Error> Filter::find_tables(const CompiledSchema& schema) const {
  for (const NamedTable& asked : asked_) (void)asked.find(schema);
  std::vector<TableId> found;
  for (const NamedTable& named : tables_) {
    found.push_back(named.find(schema));
    if (found.back() == no_table) return std::unexpected(Error::not_found("table " + named.name));
  }
  std::ranges::sort(found);
  const auto twice = std::ranges::unique(found);
  found.erase(twice.begin(), twice.end());
  return found;
}

Subscription::Subscription(std::shared_ptr<detail::Subscriber> subscriber) : subscriber_(std::move(subscriber)) {}
Subscription::Subscription(Subscription&& other) noexcept : subscriber_(std::move(other.subscriber_)) {}
Subscription& Subscription::operator=(Subscription&& other) noexcept {
  Subscription taken(std::move(other));  // and what this one had ends with it
  std::swap(subscriber_, taken.subscriber_);
  return *this;
}
Subscription::~Subscription() {
  if (subscriber_ != nullptr) subscriber_->stop();
}

detail::Subscriber& Subscription::subscriber() const {
  if (subscriber_ == nullptr) throw std::logic_error("stoa: a subscription that was moved from is used");
  return *subscriber_;
}

std::expected<std::optional<Delta>, Error> Subscription::poll() { return poll(std::chrono::nanoseconds(0)); }
std::expected<std::optional<Delta>, Error> Subscription::poll(std::chrono::nanoseconds wait) {
  (void)subscriber();
  const auto kept = subscriber_;  // a function that is called at its end may take this handle along
  return kept->poll(wait);
}
void Subscription::refilter() { subscriber().refilter(); }
Version Subscription::version() const { return subscriber().version(); }
std::optional<Error> Subscription::error() const { return subscriber().error(); }

}  // namespace stoa
