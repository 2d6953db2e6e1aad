/* The snapshot pin: two readers pin and release in turn, a writer publishes roots, retires pages and reclaims them.
 *
 * What stands for what
 *   reader()       a thread that takes snapshots: BufferManager::pin() (src/storage/buffer_manager.cpp), Pins::announce(),
 *                  narrow(), clone() and release() (src/memory/pins.cpp), and between them its reads of pages.
 *   writer()       the writer: BufferManager::commit_batch(), publish() and reclaim(), Pins::collect(), and at the end
 *                  catch_up().
 *   reclaim()      Reclaimer::reclaim() and place() (src/memory/reclaimer.cpp): lists `fresh_`, `pinning_`, buckets.
 *   lander()       the store buffer of one thread, see memory.pml.
 *
 * Claims
 *   No reader reads a page that is free, or that is used again for something else.
 *   What a root holds is there when a reader comes to it.
 *   When all pins have gone, one more reclaim leaves nothing allocated but what the newest root has.
 *
 * Simplified
 *   A root is one page, which names one page of data; a commit makes a new root page, and new data or not. So pages live
 *   for one root or for several, and are retired one by one. The rule for a page uses only its own birth and retirement.
 *   Root, data page and their numbers are packed into one byte: the pointer `newest_` has the root's number in it, which
 *   only the assertions use (and WEAK_ONE_PHASE).
 *   A reader may claim any free slot. The C++ tries its last one first and then in order: less than any. So all claims
 *   say first how far slots are used, as those of a slot that was never used do.
 *   The look at a slot before the swap is one step with the choice of it.
 *   A reader reads at two moments: its root while it pins, and root and data as late as it may. A page that was free at
 *   any moment between is found at the last one: it is free then, or has another content, as no content comes twice.
 *   For the same reason that last read and the release of the slot are one step.
 *   collect() tries once, not three times. The tries have nothing in common but that the last one decides.
 *   version_, entities, archetypes, orphan() and the blocks of slots are left out. The store to version_ is seq_cst: on
 *   x86 it would hide that of newest_ being weaker, and nothing here relies on it.
 *   live_roots_ is left out; a root page is retired as any other.
 *   Reclaiming is one step, at the moment of the last look: nobody but the reader's assertions sees it, and for these the
 *   earliest moment is the worst.
 *
 * Cases
 *   (none)         three roots, two pins for each reader, in two slots.
 *   CASE_LONG      four roots, one pin for each: pages that live longer, a pin under way from a number long gone.
 *   CASE_CLONES    three roots, one pin for each, and one reader may pass its pin to another slot by clone().
 *
 * Weakened
 *   WEAK_PUBLISH         newest_ is stored with release only: the writer looks at the slots before its root is visible.
 *   WEAK_ANNOUNCE        the announcement is a store with release: the root is loaded before it is visible.
 *   WEAK_ONE_PHASE       the root is loaded, then pinned exactly, and nobody checks that it is still the newest.
 *   WEAK_NUMBER_FIRST    newest_seq_ is stored before newest_: the number announced leads the root.
 *   WEAK_CONTENT         newest_ is stored relaxed (NON_FIFO): the root is seen before its content.
 *   WEAK_COLLECT_EARLY   the slots are looked at before the root is published.
 *   WEAK_USED            the root is loaded before the slot is said to be used.
 *   WEAK_USED_EARLY      how far slots are used is looked at before the root is published.
 *   WEAK_RELEASE_EARLY   a reader's last read moves behind its release of the slot.
 *   WEAK_BIRTH           a pin holds a page if birth < pin, not birth <= pin.
 *   WEAK_RETIRE          a pin holds a page if pin < retire - 1, not pin < retire.
 *   WEAK_PINNING         a pin under way holds a page if from < retire - 1, not from < retire.
 *   WEAK_KEEP            what a pin under way held is not looked at again when it goes: memory is held for ever.
 *   WEAK_COUNT           collect() does not compare the count of clones.
 *   WEAK_COUNT_LATE      clone() counts after the old pin was released.
 *   WEAK_COUNT_USED      how far slots are used is looked at before the count of clones.
 */

#if defined(WEAK_COUNT) || defined(WEAK_COUNT_LATE) || defined(WEAK_COUNT_USED)
#define CASE_CLONES
#endif

#if defined(CASE_LONG)
#define ROOTS 4
#define PINS 1
#define SLOTS 2
#elif defined(CASE_CLONES)
#define ROOTS 3
#define PINS 1
#define SLOTS 3
#else
#define ROOTS 3
#define PINS 2
#define SLOTS 2
#endif
#define READERS 2
#define PAGES (2 * ROOTS)  /* enough if nothing is ever freed */

/* Threads: 0 and 1 are readers. */
#define WRITER 2
#define THREADS 3
#define BUFFER_SIZE 4

/* Cells. */
#define NEWEST 1         /* newest_: a root's number and its page */
#define NEWEST_NUMBER 2  /* newest_seq_ */
#define CLONES 3         /* clones_ */
#define USED 4           /* of the slots: none from there on was ever claimed */
#define SLOT(s) (5 + (s))
#define PAGE(p) (5 + SLOTS + (p))
#define CELLS (5 + SLOTS + PAGES)

#ifdef WEAK_CONTENT
#define NON_FIFO
#endif
#include "memory.pml"

/* A root page holds ROOT(number, data page), a data page DATA(birth). Numbers count from 1. */
#define ROOT(number, page) (16 * (number) + (page))
#define NUMBER_OF(root) ((root) / 16)
#define PAGE_OF(root) ((root) % 16)
#define DATA(birth) ROOT(birth, 15)

/* Words of a slot. */
#define UNDER_WAY(from) (2 * (from) + 1)
#define EXACT(number) (2 * (number))

/* Where a page is. */
#define FREE 0
#define LIVE 1
#define FRESH 2
#define PINNING 3
#define BUCKET(pin) (16 + (pin))
#define IS_BUCKET(place) ((place) >= 16)

#define NO_NUMBER 255

/* The writer's, but for `place`, which the assertions of readers look at. Of free pages: 0. */
byte place[PAGES];
byte birth[PAGES];
byte retire[PAGES];

/* For assertions: by root number, what its page holds and when its data was born. */
byte holds[ROOTS + 1];
byte data_birth[ROOTS + 1];

byte readers_gone;

/* --- Readers ------------------------------------------------------------------------------------------------------ */

/* In an atomic. */
inline read_root(me) {
  assert(place[PAGE_OF(root)] != FREE);
  load(me, PAGE(PAGE_OF(root)), content);
  assert(content == holds[NUMBER_OF(root)])
}

/* In an atomic. */
inline read_data(me) {
  assert(place[PAGE_OF(content)] != FREE);
  load(me, PAGE(PAGE_OF(content)), found);
  assert(found == DATA(data_birth[NUMBER_OF(content)]));
  found = 0
}

/* Pins::raise_used(), a seq_cst maximum. */
inline raise_used(me, s) {
  atomic {
    drained(me);
    if
    :: memory[USED] <= s -> memory[USED] = s + 1
    :: else
    fi
  }
}

/* Pins::claim(): a free slot is found, said to be used, and taken by a seq_cst swap. */
inline claim(me, s, word) {
  do
  :: atomic {
       if
       :: memory[SLOT(0)] == 0 -> s = 0
       :: memory[SLOT(1)] == 0 -> s = 1
#if SLOTS > 2
       :: memory[SLOT(2)] == 0 -> s = 2
#endif
       fi
     };
#ifndef WEAK_USED
     raise_used(me, s);
#endif
     atomic {
       drained(me);
       if
       :: memory[SLOT(s)] == 0 -> memory[SLOT(s)] = word; break
       :: else
       fi
     }
  od
}

inline pin(me) {
#ifdef WEAK_ONE_PHASE
  load(me, NEWEST, root);
  claim(me, slot, EXACT(NUMBER_OF(root)));
  atomic { read_root(me); pins++ };
#else
  load(me, NEWEST_NUMBER, from);
#ifdef WEAK_ANNOUNCE
  slot = me;  /* nobody else takes it, so that a plain store is a claim */
  store(me, SLOT(slot), UNDER_WAY(from), RELEASE);
#else
  claim(me, slot, UNDER_WAY(from));
#endif
  load(me, NEWEST, root);
#ifdef WEAK_USED
  raise_used(me, slot);
#endif
  atomic {
    read_root(me);
    store(me, SLOT(slot), EXACT(NUMBER_OF(content)), RELEASE);
    from = 0;
    pins++
  };
#endif
}

/* Clones the pin and releases the old one. */
inline move_pin(me) {
  claim(me, other, EXACT(NUMBER_OF(content)));
#ifdef WEAK_COUNT_LATE
  atomic { drained(me); memory[SLOT(slot)] = 0; slot = other; other = 0 };
  atomic { drained(me); memory[CLONES]++ }
#else
  atomic { drained(me); memory[CLONES]++ };
  atomic { drained(me); memory[SLOT(slot)] = 0; slot = other; other = 0 }
#endif
}

proctype reader(byte me) {
  byte pins, from, root, content, found, slot, other;
  do
  :: pins < PINS ->
     pin(me);
#ifdef CASE_CLONES
     if
     :: me == 0 -> move_pin(me)
     :: true
     fi;
#endif
#ifdef WEAK_RELEASE_EARLY
     atomic { drained(me); memory[SLOT(slot)] = 0 };
     atomic { read_root(me); read_data(me); slot = 0; root = 0; content = 0 }
#else
     atomic {
       drained(me);
       read_root(me);
       read_data(me);
       memory[SLOT(slot)] = 0;
       slot = 0;
       root = 0;
       content = 0
     }
#endif
  :: atomic { pins == PINS -> readers_gone++; break }
  od
}

/* --- The writer --------------------------------------------------------------------------------------------------- */

hidden byte page;
hidden byte held_by;

/* Reclaimer::place() of one page. */
inline put(p) {
#ifdef WEAK_RETIRE
  held_by = retire[p] - 2;
#else
  held_by = retire[p] - 1;
#endif
  do
  :: held_by > 0 && !(exact & (1 << held_by)) -> held_by--
  :: else -> break
  od;
  if
#ifdef WEAK_PINNING
  :: pinning_from < retire[p] - 1 -> place[p] = PINNING
#else
  :: pinning_from < retire[p] -> place[p] = PINNING
#endif
  :: else ->
     if
#ifdef WEAK_BIRTH
     :: held_by != 0 && birth[p] < held_by -> place[p] = BUCKET(held_by)
#else
     :: held_by != 0 && birth[p] <= held_by -> place[p] = BUCKET(held_by)
#endif
     :: else ->
        if
        :: memory[PAGE(p)] != DATA(birth[p]) -> holds[birth[p]] = 0; data_birth[birth[p]] = 0
        :: else
        fi;
        place[p] = FREE;
        birth[p] = 0;
        retire[p] = 0;
        memory[PAGE(p)] = 0
     fi
  fi
}

inline reclaim() {
  d_step {
    page = 0;
    do
    :: page < PAGES ->
       if
       :: place[page] == FRESH -> put(page)
#ifndef WEAK_KEEP
       :: place[page] == PINNING && pinning_from != last_pinning_from -> put(page)
#endif
       :: IS_BUCKET(place[page]) && !(exact & (1 << (place[page] - BUCKET(0)))) -> put(page)
       :: else
       fi;
       page++
    :: else -> break
    od;
    last_pinning_from = pinning_from;
    exact = 0;
    pinning_from = NO_NUMBER
  }
}

/* How far Pins::collect() looks. */
inline look_how_far() {
  load(WRITER, USED, used)
}

/* One slot of it; in an atomic. */
inline look(s) {
  load(WRITER, SLOT(s), word);
  if
  :: s >= used -> word = 0
  :: else
  fi;
  if
  :: word == 0
  :: word % 2 == 1 && word / 2 < pinning_from -> pinning_from = word / 2
  :: word % 2 == 1 && word / 2 >= pinning_from
  :: word != 0 && word % 2 == 0 -> exact = exact | (1 << (word / 2))
  fi;
  word = 0
}

inline collect_and_reclaim() {
#if !defined(WEAK_USED_EARLY) && (defined(WEAK_COUNT_USED) || !defined(CASE_CLONES))
  look_how_far();
#endif
#ifdef CASE_CLONES
  load(WRITER, CLONES, clones);
#if !defined(WEAK_USED_EARLY) && !defined(WEAK_COUNT_USED)
  look_how_far();
#endif
  atomic { look(0) };
  atomic { look(1) };
  atomic { look(2) };
  atomic {
    load(WRITER, CLONES, word);
    if
#ifdef WEAK_COUNT
    :: true -> reclaim()
#else
    :: word == clones -> reclaim()
    :: else -> exact = 0; pinning_from = NO_NUMBER
#endif
    fi;
    word = 0;
    clones = 0
  }
#else
  atomic { look(0) };
  atomic { look(1); reclaim() }
#endif
}

inline allocate(p) {
  p = 0;
  do
  :: place[p] != FREE -> p++
  :: else -> break
  od;
  place[p] = LIVE;
  birth[p] = number
}

inline retire_page(p) {
  retire[p] = number;
  place[p] = FRESH
}

/* WriteBuffer::seal(), as far as a reader sees it. The two stores fit into the buffer, and putting them there is seen
 * by nobody, so this is one step. */
inline make_root() {
  atomic {
    buffer[WRITER].count <= BUFFER_SIZE - 2;
    number++;
    allocate(new_root);
    new_data = data;
    if
    :: true -> allocate(new_data); store(WRITER, PAGE(new_data), DATA(number), RELAXED)
    :: true
    fi;
    store(WRITER, PAGE(new_root), ROOT(number, new_data), RELAXED);
    holds[number] = ROOT(number, new_data);
    data_birth[number] = birth[new_data]
  }
}

/* Reclaimer::retire(); in an atomic. */
inline retire_replaced() {
  retire_page(root);
  root = new_root;
  if
  :: data != new_data -> retire_page(data); data = new_data
  :: else
  fi;
  new_root = 0;
  new_data = 0
}

/* And retires, in the step of its last store. */
inline publish() {
#if defined(WEAK_PUBLISH)
  store(WRITER, NEWEST, ROOT(number, new_root), RELEASE);
  atomic { store(WRITER, NEWEST_NUMBER, number, RELEASE); retire_replaced() }
#elif defined(WEAK_CONTENT)
  store(WRITER, NEWEST, ROOT(number, new_root), RELAXED);
  store(WRITER, NEWEST_NUMBER, number, RELEASE);
  atomic { drained(WRITER); retire_replaced() }  /* so that this is not WEAK_PUBLISH as well */
#elif defined(WEAK_NUMBER_FIRST)
  store(WRITER, NEWEST_NUMBER, number, RELEASE);
  atomic { drained(WRITER); memory[NEWEST] = ROOT(number, new_root); retire_replaced() }
#else
  atomic { drained(WRITER); memory[NEWEST] = ROOT(number, new_root) };
  atomic { store(WRITER, NEWEST_NUMBER, number, RELEASE); retire_replaced() }
#endif
}

proctype writer() {
  byte number = 1, root = 0, data = 1, new_root, new_data;
  byte clones, word, used, exact, pinning_from = NO_NUMBER, last_pinning_from = NO_NUMBER;
  do
  :: number < ROOTS ->
     make_root();
#ifdef WEAK_USED_EARLY
     look_how_far();
#endif
#ifdef WEAK_COLLECT_EARLY
     used = SLOTS;
     atomic { look(0) };
     atomic { look(1) };
#endif
     publish();
#ifdef WEAK_COLLECT_EARLY
     reclaim()
#else
     if
     :: collect_and_reclaim()
     :: true  /* reclaim_pays() says no */
     fi
#endif
  :: else -> break
  od;
  readers_gone == READERS;
#ifdef WEAK_USED_EARLY
  look_how_far();
#endif
  collect_and_reclaim();
  d_step {
    page = 0;
    do
    :: page < PAGES ->
       assert((place[page] == FREE) == (page != root && page != data));
       page++
    :: else -> break
    od
  }
}

init {
  atomic {
    memory[NEWEST] = ROOT(1, 0);
    memory[NEWEST_NUMBER] = 1;
    memory[PAGE(0)] = ROOT(1, 1);
    memory[PAGE(1)] = DATA(1);
    place[0] = LIVE;
    birth[0] = 1;
    place[1] = LIVE;
    birth[1] = 1;
    holds[1] = ROOT(1, 1);
    data_birth[1] = 1;
    run lander(0);
    run lander(1);
    run lander(WRITER);
    run reader(0);
    run reader(1);
    run writer()
  }
}
