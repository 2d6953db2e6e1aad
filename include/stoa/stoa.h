// stoa: an embedded, in-memory, durable, relational ECS database. This is the one header to include.
#pragma once

#include <stoa/cell_text.h>
#include <stoa/codec.h>
#include <stoa/database.h>
#include <stoa/delta.h>
#include <stoa/entity.h>
#include <stoa/error.h>
#include <stoa/log.h>
#include <stoa/options.h>
#include <stoa/schema.h>
#include <stoa/snapshot.h>
#include <stoa/subscription.h>
#include <stoa/text.h>
#include <stoa/ticket.h>
#include <stoa/transaction.h>
#include <stoa/value.h>
#include <stoa/writer.h>
