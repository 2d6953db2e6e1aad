/* The write queue and its doorbell: two producers push an item and two, and ring, a writer takes them and sleeps between,
 * a closer ends it.
 *
 * What stands for what
 *   producer()     a thread that submits: Engine::enqueue() (src/txn/engine.cpp), that is BasicMpscQueue::push()
 *                  (src/queue/mpsc_queue.h) and then BasicDoorbell::ring() (src/queue/doorbell.h).
 *   writer()       Engine::run_writer() with commit_next_batch(), BasicMpscQueue::take_all() and empty(),
 *                  BasicDoorbell::wait().
 *   closer()       Engine::close(), and what it does after the writer's thread has ended.
 *   lander()       the store buffer of one thread, see memory.pml. There is also the futex.
 *
 * Claims
 *   Every item that was pushed is taken once, and those of one producer in the order in which it pushed them.
 *   What a producer wrote into an item before it pushed it is there when the item is taken.
 *   The writer does not sleep for ever while there is something for it to do: else it is in an invalid end state. The
 *   closer may wait until all is taken, so that its own ring does not hide a lost one.
 *
 * Simplified
 *   An item is a node with one word of content. It is not reused here; see ticket.pml.
 *   The writer's own accesses to links of nodes that it has taken go to memory without the store buffer: nobody else
 *   looks at them.
 *   InFlightLimit is left out: it only keeps producers away for a time. So is what the engine does with a transaction.
 *   A weak swap that fails for no reason is left out: it is tried again with the same link.
 *   The looks of a spinning waiter are left out: each is as the one look before the sleep.
 *   The writer's sleeps have no deadline, but one of them may have one in CASE_LATE. Only a ring wakes it else; a futex that
 *   wakes for no reason is left out, as it does nothing that a passed deadline does not do. catch_up() and rest() do not
 *   touch the queue.
 *   What a ringer stores as served lands at once: landing late is as being late, as the next it does drains the buffer.
 *
 * Cases
 *   (none)         batches of two items: what is taken and does not fit in stays pending.
 *   CASE_LATE      a sleep of the writer may have a deadline that passes.
 *   CASE_STOPPED   the first producer may stop for good at any step of push() and ring(), as a thread does that gets no
 *                  time. All that the other one pushes is taken none the less.
 *
 * Weakened
 *   WEAK_RING_FIRST      the producer rings, and then pushes.
 *   WEAK_RING_EARLY      the doorbell's load of announcements moves before the push, as if one of them were not seq_cst.
 *   WEAK_ANNOUNCE        the sleeper's announcement is a load and a store with release, not a full barrier before its look.
 *   WEAK_NO_LOOK         the sleeper does not look again after its announcement.
 *   WEAK_SLEEP           the futex does not compare the word.
 *   WEAK_SERVED_EARLY    the ringer says that it has woken before it does, and may stop between.
 *   WEAK_PUSH            the swap of push() is relaxed (NON_FIFO): the node is seen before its link and its content.
 *   WEAK_TAKE            take_all() is a load and a store, not an exchange.
 *   WEAK_NO_TURN         take_all() does not turn the list around.
 */

#ifdef WEAK_SERVED_EARLY
#define CASE_STOPPED
#endif

#define PRODUCERS 2
#define ITEMS(producer) (1 + (producer))
#define BATCH 2  /* batch_max_ */
#ifdef CASE_LATE
#define LATE 1
#else
#define LATE 0
#endif
#define NODES 3

/* Threads: 0 and 1 are producers. */
#define WRITER 2
#define CLOSER 3
#define THREADS 4
#define BUFFER_SIZE 3

/* Cells. */
#define TOP 1
#define CLOSED 2
#define ANNOUNCED 3
#define SERVED 4
#define RUNG 5
#define NEXT(node) (5 + (node))
#define CONTENT(node) (5 + NODES + (node))
#define CELLS (6 + 2 * NODES)

#ifdef WEAK_PUSH
#define NON_FIFO
#endif
#include "memory.pml"

/* Nodes are numbered from 1; 0 is nullptr. */
#define NODE(producer, item) (1 + (producer) + (item))
#define PRODUCER_OF(node) ((node) != 1)
#define ITEM_OF(node) ((node) == 3)

/* Contents; 0 before the producer has written it. */
#define WRITTEN 1
#define ANSWERED 2

/* For assertions and for the order in which threads end. */
byte taken[PRODUCERS];
byte producers_gone;
byte ringing;
bit stopped;
bit writer_gone;

/* Thread 0 may stop for good here. */
inline may_stop(me) {
#ifdef CASE_STOPPED
  if
  :: me == 0 -> stopped = 1; goto end_stopped
  :: true
  fi
#else
  skip
#endif
}

/* --- BasicDoorbell ------------------------------------------------------------------------------------------------ */

inline begin_ring(me, announced) {
  atomic { load(me, ANNOUNCED, announced); ringing++ }
}

/* The part of ring() after its load of `announced`. */
inline ring_at(me, announced) {
  load(me, SERVED, served);
  if
  :: served < announced ->
     served = 0;
     may_stop(me);
     atomic { passes(me, RUNG); memory[RUNG]++ };
     may_stop(me);
#ifdef WEAK_SERVED_EARLY
     memory[SERVED] = announced;
     may_stop(me);
     futex_wake_all(me, RUNG)
#else
     futex_wake_all(me, RUNG);
     may_stop(me);
     memory[SERVED] = announced
#endif
  :: else -> served = 0
  fi;
  atomic { announced = 0; ringing-- }
}

inline ring(me, announced) {
  begin_ring(me, announced);
  ring_at(me, announced)
}

/* Only differences of the counts matter: while nobody has them in hand they begin anew, so that there are fewer states. */
inline count_anew() {
  if
  :: ringing == 0 ->
     memory[ANNOUNCED] = (memory[SERVED] < memory[ANNOUNCED] -> 1 : 0);
     memory[SERVED] = 0;
     memory[RUNG] = 0
  :: else
  fi
}

/* The writer's has_work(): `work` is its answer. */
inline has_work() {
  load(WRITER, TOP, work);
  if
  :: work == 0 -> load(WRITER, CLOSED, work)
  :: else
  fi
}

/* BasicDoorbell::wait(): `work` is its answer. */
inline wait() {
  has_work();
  if
  :: work == 0 ->
     if
     :: deadlines < LATE -> has_deadline = 1; deadlines++
     :: true
     fi;
     do
     :: load(WRITER, RUNG, rung);
        atomic {
#ifdef WEAK_ANNOUNCE
          load(WRITER, ANNOUNCED, work);
          store(WRITER, ANNOUNCED, work + 1, RELEASE);
          work = 0
#else
          drained(WRITER);
          memory[ANNOUNCED]++
#endif
        };
#ifndef WEAK_NO_LOOK
        has_work();
#endif
        if
        :: work != 0 || late -> break
        :: else
        fi;
#ifdef WEAK_SLEEP
        atomic { drained(WRITER); asleep[WRITER] = RUNG };
#else
        futex_sleep(WRITER, RUNG, rung);
#endif
        atomic {
          if
          :: asleep[WRITER] == 0
          :: asleep[WRITER] != 0 && has_deadline -> asleep[WRITER] = 0; late = 1
          fi;
          rung = 0
        }
     od;
     atomic { rung = 0; has_deadline = 0; late = 0; count_anew() }
  :: else
  fi
}

/* --- Producers ---------------------------------------------------------------------------------------------------- */

/* BasicMpscQueue::push(). */
inline push(me, node) {
  atomic { store(me, CONTENT(node), WRITTEN, RELAXED); load(me, TOP, top) };
  do
  :: store(me, NEXT(node), top, RELAXED);
     may_stop(me);
     atomic {
#ifdef WEAK_PUSH
       passes(me, TOP);
#else
       drained(me);
#endif
       if
       :: memory[TOP] == top -> memory[TOP] = node; top = 0; break
       :: else -> top = memory[TOP]
       fi
     }
  od;
  may_stop(me)
}

proctype producer(byte me) {
  byte item, top, announced, served;
  do
  :: item < ITEMS(me) ->
#if defined(WEAK_RING_FIRST)
     ring(me, announced);
     push(me, NODE(me, item));
#elif defined(WEAK_RING_EARLY)
     begin_ring(me, announced);
     push(me, NODE(me, item));
     ring_at(me, announced);
#else
     push(me, NODE(me, item));
     ring(me, announced);
#endif
     item++
  :: atomic { item == ITEMS(me) -> producers_gone++; break }
  od;
end_stopped:
  !stopped || me != 0
}

/* --- The writer --------------------------------------------------------------------------------------------------- */

/* BasicMpscQueue::take_all(); what it took is appended to what is pending. In an atomic; `newest` is loaded already. */
inline turn_and_append() {
  last = newest;
  do
  :: newest != 0 ->
     load(WRITER, NEXT(newest), below);
#ifdef WEAK_NO_TURN
     if
     :: oldest == 0 -> oldest = newest
     :: else
     fi;
     last = newest;
#else
     memory[NEXT(newest)] = oldest;
     oldest = newest;
#endif
     newest = below
  :: else -> break
  od;
  if
  :: oldest != 0 && pending == 0 -> pending = oldest; pending_last = last
  :: oldest != 0 && pending != 0 -> memory[NEXT(pending_last)] = oldest; pending_last = last
  :: else
  fi;
  below = 0;
  oldest = 0;
  last = 0
}

/* Engine::commit_batch(); in an atomic. */
inline commit_batch() {
  do
  :: pending != 0 && answered < BATCH ->
     load(WRITER, CONTENT(pending), work);
     assert(work == WRITTEN);
     work = 0;
     assert(ITEM_OF(pending) == taken[PRODUCER_OF(pending)]);
     taken[PRODUCER_OF(pending)]++;
     answered++;
     memory[CONTENT(pending)] = ANSWERED;
     below = memory[NEXT(pending)];
     memory[NEXT(pending)] = 0;
     pending = below;
     below = 0
  :: else -> break
  od;
  if
  :: pending == 0 -> pending_last = 0
  :: else
  fi
}

/* Engine::commit_next_batch(BATCH): `answered` is its answer. From the exchange on all is one step: the writer looks only
 * at what is its own now, and for what may not be visible yet the first moment is the worst. */
inline commit_next_batch() {
#ifdef WEAK_TAKE
  load(WRITER, TOP, newest);
  atomic {
    if
    :: newest != 0 -> store(WRITER, TOP, 0, RELEASE)
    :: else
    fi;
#else
  atomic {
    passes(WRITER, TOP);
    newest = memory[TOP];
    memory[TOP] = 0;
#endif
    turn_and_append();
    commit_batch()
  }
}

proctype writer() {
  byte newest, below, oldest, last, pending, pending_last, answered, work, rung, deadlines;
  bit has_deadline, late;
  do
  :: commit_next_batch();
     if
     :: answered != 0 -> answered = 0
     :: else ->
        load(WRITER, CLOSED, work);
        if
        :: work != 0 ->
           load(WRITER, TOP, work);
           if
           :: work == 0 -> break
           :: else
           fi
        :: else
        fi;
        wait();
        work = 0
     fi
  od;
  writer_gone = 1
}

/* --- The closer --------------------------------------------------------------------------------------------------- */

proctype closer() {
  byte announced, served;
  if
  :: true -> (stopped || taken[0] == ITEMS(0)) && taken[1] == ITEMS(1)
  :: true
  fi;
  producers_gone + stopped == PRODUCERS;  /* close() does not run beside other calls */
  atomic { drained(CLOSER); memory[CLOSED] = 1 };
  ring(CLOSER, announced);
  writer_gone;
  assert(stopped || taken[0] == ITEMS(0));
  assert(taken[1] == ITEMS(1));
  assert(memory[TOP] == 0);
end_stopped:
  skip
}

init {
  atomic {
    run lander(0);
    run lander(1);
    run lander(WRITER);
    run producer(0);
    run producer(1);
    run writer();
    run closer()
  }
}
