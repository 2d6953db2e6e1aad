#include "world.h"

namespace bench {

stoa::Database open_manual(const stoa::Schema& schema) {
  stoa::Options options;
  options.writer = stoa::WriterMode::manual;
  return value_of(stoa::Database::in_memory(schema, options));
}

void commit(stoa::Database& database, stoa::Transaction tx) {
  stoa::CommitTicket ticket = std::move(tx).submit();
  database.step();
  (void)value_of(ticket.get());
}

}  // namespace bench
