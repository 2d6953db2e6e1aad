/* The answer and the ticket's wake-up: clients submit, and wait, drop, leave a function, or give up; the writer answers;
 * nodes are used again; the database is closed at any moment, and answers everybody.
 *
 * What stands for what
 *   client()       a thread that submits: Engine::begin(), submit(), drop(), wait(), wait_for(), then() and release()
 *                  (src/txn/engine.cpp), TransactionNode::reset(), and of BasicResponse (src/queue/response.h) reset(),
 *                  wait_until() and drop().
 *   writer()       the writer: Engine::run_writer(), apply(), answer_batch(), BasicResponse::complete().
 *   messenger()    Messenger::start(), post(), run_posted(), run() (src/txn/messenger.cpp).
 *   closer()       Engine::close(), Messenger::stop().
 *   recycle()      Engine::recycle(), NodePool::release() (src/queue/node_pool.h).
 *   lander()       the store buffer of one thread, see memory.pml. There is also the futex.
 *
 * Claims
 *   Who waits for an answer gets it: else it is in an invalid end state. It is the answer to its own transaction.
 *   Whatever happens to a ticket, its node goes home once, and only when writer and ticket are done with it.
 *   A function that was left in the node runs once, and sees the answer.
 *   close() ends, with all that was submitted before it answered; what is submitted later is answered, too.
 *
 * Simplified
 *   The write queue and the messenger's are channels, and who waits at them wakes: that is queue.pml's claim. A push is
 *   seq_cst: it waits for the own buffer.
 *   The pool is a flag for each node: that it gives a node to one thread is pool.pml's claim. Where no node is free a
 *   client waits; the C++ makes one.
 *   Of a node there is one word of the question, one of the answer, and the function.
 *   A futex that wakes for no reason is left out: it leads where a wake-up does that was meant for the node's last user.
 *   Looks of a spinning waiter are left out: each is as the one look before the sleep. So is InFlightLimit.
 *   close() does not run beside submit() and drop() of a transaction, as its contract has it; it does run beside get(),
 *   wait_for(), then() and the drop of a ticket. That a function itself may close is not here.
 *
 * Cases
 *   (none)         one node, which two clients use twice each.
 *   CASE_NODES     two nodes; one client submits twice, the other once.
 *
 * Weakened
 *   WEAK_COMPLETE_SPLIT  complete() is a load and a store, not a read-modify-write: it loses the ticket's bit.
 *   WEAK_DROP_SPLIT      the same of drop(): it loses the writer's bit.
 *   WEAK_WAIT_SPLIT      the same of the sleeper's announcement.
 *   WEAK_WAKE_FIRST      complete() looks for a sleeper before it sets its bit.
 *   WEAK_SLEEP           the futex does not compare the word.
 *   WEAK_NO_LOOK         a sleeper that wakes does not look again: it may be a wake-up for the node's last user.
 *   WEAK_COMPLETE        complete() does not release (NON_FIFO): the answer is not there yet.
 *   WEAK_DROP            drop() does not release (NON_FIFO): the function is not there yet.
 *   WEAK_READ_LATE       the holder's last read moves behind its drop().
 *   WEAK_THEN_LATE       then() leaves the function after its drop().
 *   WEAK_END             the writer ends when it sees that the database is closed, without a look into the queue.
 *   WEAK_CLOSED          submit() does not look whether the database is closed.
 *   WEAK_POST            post() does not look whether the messenger has stopped.
 *   WEAK_STOP            stop() does not wait for those who looked before it and push after it.
 */

#ifdef CASE_NODES
#define NODES 2
#define ITEMS(client) (2 - (client))
#else
#define NODES 1
#define ITEMS(client) 2
#endif

/* Threads: 0 and 1 are clients. */
#define CLIENTS 2
#define WRITER 2
#define MESSENGER 3
#define CLOSER 4
#define THREADS 5
#define BUFFER_SIZE 3

/* Cells. Nodes are numbered from 1. */
#define WORD(node) (node)                /* word_ of the response */
#define ASKED(node) (NODES + (node))     /* what the writer reads of a transaction */
#define ANSWER(node) (2 * NODES + (node))
#define THEN(node) (3 * NODES + (node))  /* whether there is a function */
#define CLOSED (4 * NODES + 1)           /* closed_ of the engine */
#define STOPPED (4 * NODES + 2)          /* stopped_ of the messenger */
#define POOL (4 * NODES + 3)             /* head_ of the pool: only its orders are used */
#define CELLS (4 * NODES + 4)

#if defined(WEAK_COMPLETE) || defined(WEAK_DROP)
#define NON_FIFO
#endif
#include "memory.pml"

/* Bits of a response's word. */
#define DONE 1
#define DROPPED 2
#define WAITING 4

/* The transactions, by number from 1; the answer to one is its number, or REFUSED where it came too late. */
#define TRANSACTION(client, item) (1 + 2 * (client) + (item))
#define REFUSED 100

chan queued = [NODES] of { byte };
chan posted = [NODES] of { byte };

bit at_home[NODES + 1];
byte calls;  /* that close() may not run beside */
bit closing;
bit writer_gone, messenger_gone;
byte pushing;  /* pushing_ of the messenger */

/* For assertions: whose a node is, and how many functions were left and ran. */
byte used_by[NODES + 1];
byte functions_left, functions_run;
byte clients_gone;

/* Waits while close() runs. */
inline call_begins() {
  atomic { !closing -> calls++ }
}

/* --- A node's way home -------------------------------------------------------------------------------------------- */

/* NodePool::release(): a swap that releases. What recycle() does to the result before is the store to ANSWER. */
inline go_home(me, node) {
  atomic {
    assert(used_by[node] != 0);
    store(me, ANSWER(node), 0, RELAXED)
  };
  atomic {
    drained(me);
    assert(!at_home[node]);
    at_home[node] = 1;
    used_by[node] = 0
  }
}

/* Messenger::run() */
inline run_function(me, node) {
  atomic {
    load(me, ANSWER(node), seen);
    assert(seen == used_by[node] || seen == REFUSED);
    seen = 0;
    functions_run++;
    store(me, THEN(node), 0, RELAXED)
  };
  go_home(me, node)
}

/* Engine::recycle(), and Messenger::post() with Post::try_push(). */
inline recycle(me, node) {
  load(me, THEN(node), seen);
  if
  :: seen ->
     atomic { drained(me); pushing++ };
#ifdef WEAK_POST
     seen = 0;
#else
     load(me, STOPPED, seen);
#endif
     if
     :: seen -> atomic { drained(me); pushing-- }; run_function(me, node)
     :: else -> atomic { drained(me); posted!node }; atomic { drained(me); pushing-- }
     fi
  :: else -> go_home(me, node)
  fi
}

/* --- BasicResponse ------------------------------------------------------------------------------------------------ */

/* A read-modify-write that sets the bit, releases or not; `before` is what the word was. */
inline set_bit(me, node, its_bit, ready) {
  atomic {
    ready;
    before = memory[WORD(node)];
    assert(its_bit == WAITING || !(before & its_bit));
    memory[WORD(node)] = before | its_bit
  }
}

/* As if it were a load and a store. */
inline set_bit_split(me, node, its_bit) {
  load(me, WORD(node), before);
  store(me, WORD(node), before | its_bit, RELEASE)
}

/* complete(), and what answer_batch() does then. */
inline complete(me, node) {
#ifdef WEAK_WAKE_FIRST
  load(me, WORD(node), waits);
  set_bit(me, node, DONE, drained(me));
  before = (before & DROPPED) | (waits & WAITING);
  waits = 0;
#elif defined(WEAK_COMPLETE_SPLIT)
  set_bit_split(me, node, DONE);
#elif defined(WEAK_COMPLETE)
  set_bit(me, node, DONE, passes(me, WORD(node)));
#else
  set_bit(me, node, DONE, drained(me));
#endif
  if
  :: before & DROPPED -> recycle(me, node)
  :: (before & WAITING) && !(before & DROPPED) -> futex_wake_all(me, WORD(node))
  :: else
  fi;
  before = 0
}

/* wait_until(): `answered` is its answer. */
inline wait_until(me, node) {
  load(me, WORD(node), before);
  do
  :: before & DONE -> break
  :: else ->
#ifdef WEAK_WAIT_SPLIT
     set_bit_split(me, node, WAITING);
#else
     set_bit(me, node, WAITING, passes(me, WORD(node)));
#endif
     if
     :: (before & DONE) || late -> break
     :: else
     fi;
#ifdef WEAK_SLEEP
     atomic { drained(me); asleep[me] = WORD(node) };
#else
     futex_sleep(me, WORD(node), before | WAITING);
#endif
     atomic {
       if
       :: asleep[me] == 0
       :: asleep[me] != 0 && has_deadline -> asleep[me] = 0; late = 1
       fi
     };
#ifdef WEAK_NO_LOOK
     if
     :: !late -> before = DONE
     :: else
     fi
#endif
  od;
  atomic { answered = before & DONE; before = 0; late = 0 }
}

/* --- Clients ------------------------------------------------------------------------------------------------------ */

/* Engine::begin(): NodePool::acquire(), a swap that acquires; TransactionNode::reset(), and what is written down. */
inline begin(me) {
  atomic {
    passes(me, POOL) && (at_home[1] || at_home[NODES]);
    if
    :: at_home[1] -> node = 1
#if NODES > 1
    :: at_home[2] -> node = 2
#endif
    fi;
    at_home[node] = 0;
    used_by[node] = TRANSACTION(me, item);
    store(me, WORD(node), 0, RELAXED);
    store(me, ANSWER(node), 0, RELAXED);
    store(me, ASKED(node), TRANSACTION(me, item), RELAXED)
  }
}

inline look_closed(me) {
#ifdef WEAK_CLOSED
  seen = 0
#else
  load(me, CLOSED, seen)
#endif
}

/* Engine::submit() */
inline submit(me) {
  look_closed(me);
  if
  :: seen -> store(me, ANSWER(node), REFUSED, RELAXED); set_bit(me, node, DONE, drained(me))
  :: else -> atomic { drained(me); queued!node }
  fi;
  atomic { seen = 0; before = 0; calls-- }
}

/* Engine::drop(): of a transaction that was not submitted. */
inline give_up(me) {
  look_closed(me);
  if
  :: seen -> go_home(me, node)  /* recycle(): it has no function */
  :: else -> set_bit(me, node, DROPPED, drained(me)); atomic { drained(me); queued!node }
  fi;
  atomic { seen = 0; before = 0; calls-- }
}

/* What CommitTicket::get() makes of the answer. */
inline read_answer(me) {
  atomic {
    load(me, ANSWER(node), seen);
    assert(seen == TRANSACTION(me, item) || seen == REFUSED);
    seen = 0
  }
}

/* CommitTicket::get(), wait_for(), then(), or none of them; in the end Engine::release(), with BasicResponse::drop(). */
inline use_ticket(me) {
  if
  :: if
     :: has_deadline = 1
     :: true
     fi;
     wait_until(me, node)
  :: leaves_function = 1;
     functions_left++;
#ifndef WEAK_THEN_LATE
     store(me, THEN(node), 1, RELAXED)
#endif
  :: true
  fi;
#ifndef WEAK_READ_LATE
  if
  :: answered -> read_answer(me)
  :: else
  fi;
#endif
#if defined(WEAK_DROP_SPLIT)
  set_bit_split(me, node, DROPPED);
#elif defined(WEAK_DROP)
  set_bit(me, node, DROPPED, passes(me, WORD(node)));
#else
  set_bit(me, node, DROPPED, drained(me));
#endif
  if
  :: before & DONE -> recycle(me, node)
  :: else
  fi;
#ifdef WEAK_READ_LATE
  if
  :: answered -> read_answer(me)
  :: else
  fi;
#endif
#ifdef WEAK_THEN_LATE
  if
  :: leaves_function -> store(me, THEN(node), 1, RELAXED)
  :: else
  fi
#endif
}

proctype client(byte me) {
  byte item, node, before, seen;
  bit has_deadline, late, answered, leaves_function;
  do
  :: item < ITEMS(me) ->
     call_begins();
     begin(me);
     if
     :: give_up(me)
     :: submit(me); use_ticket(me)
     fi;
     atomic { node = 0; before = 0; seen = 0; has_deadline = 0; answered = 0; leaves_function = 0; item++ }
  :: else -> break
  od;
  clients_gone++
}

/* --- The database's threads --------------------------------------------------------------------------------------- */

proctype writer() {
  byte node, before, seen;
#ifdef WEAK_WAKE_FIRST
  byte waits;
#endif
  do
  :: atomic {
       queued?node;
       load(WRITER, ASKED(node), seen);
       assert(seen == used_by[node]);
       store(WRITER, ANSWER(node), seen, RELAXED);
       seen = 0
     };
     complete(WRITER, node);
     atomic { node = 0; seen = 0 }
#ifdef WEAK_END
  :: memory[CLOSED] -> break
#else
  :: atomic { memory[CLOSED] && empty(queued) } -> break
#endif
  od;
  writer_gone = 1
}

/* May end with something posted: stop() runs that. */
proctype messenger() {
  byte node, seen;
  do
  :: posted?node -> run_function(MESSENGER, node); node = 0
  :: memory[STOPPED] -> break
  od;
  messenger_gone = 1
}

proctype closer() {
  byte node, seen;
  atomic { calls == 0 -> closing = 1 };
  memory[CLOSED] = 1;  /* a seq_cst exchange; nothing of this thread's is in its buffer */
  writer_gone;
  assert(empty(queued));
  memory[STOPPED] = 1;
#ifndef WEAK_STOP
  pushing == 0;
#endif
  messenger_gone;
  do
  :: posted?node -> run_function(CLOSER, node); node = 0
  :: empty(posted) -> break
  od;
  closing = 0;
  clients_gone == CLIENTS;
  assert(at_home[1] && at_home[NODES]);
  assert(functions_run == functions_left)
}

init {
  atomic {
    at_home[1] = 1;
    at_home[NODES] = 1;
    run lander(0);
    run lander(1);
    run lander(WRITER);
    run lander(MESSENGER);
    run lander(CLOSER);
    run client(0);
    run client(1);
    run writer();
    run messenger();
    run closer()
  }
}
