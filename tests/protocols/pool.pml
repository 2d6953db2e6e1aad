/* The pool of nodes: two threads take nodes and give them back, and the owner closes the pool while some are away.
 *
 * What stands for what (src/queue/node_pool.h)
 *   user()         a thread that submits, or the writer: NodePool::acquire() with pop(), release() with push().
 *   closer()       the database's owner: NodePool::close().
 *   lander()       the store buffer of one thread, see memory.pml.
 *
 * Claims
 *   A node is one thread's at a time, and what its last user did to it is there for the next.
 *   After close() somebody frees the pool, once: when all nodes are at home, and everybody is done with them.
 *
 * Simplified
 *   All nodes are there from the beginning: grow() is under a mutex. Who finds none goes without.
 *   Of a node there is its link and one word of content, which each user changes.
 *   The tag does not wrap, and is not in the links.
 *
 * Cases
 *   (none)            two nodes; each user takes a node twice at most, and may have both.
 *
 * Weakened
 *   WEAK_NO_TAG       push() does not count: a pop that was overtaken takes a link that is old (ABA).
 *   WEAK_PUSH         the swap of push() does not release (NON_FIFO): the node is seen before its link and content.
 *   WEAK_CLOSE_LATE   close() walks the list, and closes it then.
 *   WEAK_AWAY_SPLIT   the count of the missing is taken down by a load and a store.
 *   WEAK_AWAY         the same by a read-modify-write that does not release (NON_FIFO): the last one frees too early.
 *   WEAK_OPEN         push() does not look whether the pool is closed.
 */

#define NODES 2
#define USERS 2
#define TAKES 2  /* of each user, at most */

/* Threads: 0 and 1 are users. */
#define CLOSER 2
#define THREADS 3
#define BUFFER_SIZE 3

/* Cells. Nodes are numbered from 1, no_node is 0. */
#define HEAD 1               /* head_ */
#define AWAY 2               /* away_, more by NONE_AWAY */
#define BELOW(node) (2 + (node))
#define CONTENT(node) (2 + NODES + (node))
#define CELLS (3 + 2 * NODES)

#if defined(WEAK_PUSH) || defined(WEAK_AWAY)
#define NON_FIFO
#endif
#include "memory.pml"

#define SHUT 255  /* `closed` of the head */
#define NONE_AWAY 16
#define HEAD_OF(top, tag) (4 * (tag) + (top))
#define TOP_OF(head) ((head) % 4)
#ifdef WEAK_NO_TAG
#define TAG_AFTER(head) 0
#else
#define TAG_AFTER(head) ((head) / 4 + 1)
#endif

byte takers = USERS;  /* threads that may still acquire */
byte users = USERS;

/* For assertions. */
bit owned[NODES + 1];
bit content[NODES + 1];
bit freed;

/* In an atomic. */
inline free_pool(me) {
  assert(!freed);
  assert(!owned[1] && !owned[2]);
  load(me, CONTENT(1), head);
  assert(head == content[1]);
  load(me, CONTENT(2), head);
  assert(head == content[2]);
  head = 0;
  freed = 1
}

/* NodePool::acquire() and pop(): `node`, or 0. */
inline acquire(me) {
  load(me, HEAD, head);
  do
  :: TOP_OF(head) == 0 -> break
  :: else ->
     load(me, BELOW(TOP_OF(head)), below);
     atomic {
       passes(me, HEAD);
       if
       :: memory[HEAD] == head ->
          memory[HEAD] = head - TOP_OF(head) + below;
          node = TOP_OF(head);
          break
       :: else -> head = memory[HEAD]
       fi
     }
  od;
  atomic {
    head = 0;
    below = 0;
    if
    :: node != 0 ->
       assert(!owned[node]);
       owned[node] = 1;
       load(me, CONTENT(node), head);
       assert(head == content[node]);
       head = 0;
       content[node] = 1 - content[node];
       store(me, CONTENT(node), content[node], RELAXED);
       has[node] = 1
    :: else
    fi;
    node = 0
  }
}

/* NodePool::release() and push(). */
inline release_node(me) {
  atomic { assert(!freed); load(me, HEAD, head) };
  do
#ifdef WEAK_OPEN
  :: true ->
#else
  :: head == SHUT ->
#ifdef WEAK_AWAY_SPLIT
     load(me, AWAY, below);
     atomic { store(me, AWAY, below - 1, RELEASE); owned[node] = 0 };
     atomic {
       drained(me);
#else
     atomic {
#ifdef WEAK_AWAY
       passes(me, AWAY);
#else
       drained(me);
#endif
       owned[node] = 0;
       below = memory[AWAY];
       memory[AWAY] = below - 1;
#endif
       if
       :: below == NONE_AWAY + 1 -> free_pool(me)
       :: else
       fi;
       break
     }
  :: else ->
#endif
     atomic { assert(!freed); store(me, BELOW(node), TOP_OF(head), RELAXED) };
     atomic {
#ifdef WEAK_PUSH
       passes(me, HEAD);
#else
       drained(me);
#endif
       assert(!freed);
       if
       :: memory[HEAD] == head ->
          memory[HEAD] = HEAD_OF(node, TAG_AFTER(head));
          owned[node] = 0;
          break
       :: else -> head = memory[HEAD]
       fi
     }
  od;
  atomic { has[node] = 0; node = 0; head = 0; below = 0 }
}

proctype user(byte me) {
  byte takes, node, head, below;
  bit has[NODES + 1];
  do
  :: takes < TAKES -> takes++; acquire(me)
  :: has[1] -> node = 1; release_node(me)
  :: has[2] -> node = 2; release_node(me)
  :: takes < TAKES + 1 -> atomic { takes = TAKES + 1; takers-- }
  :: takes == TAKES + 1 && !has[1] && !has[2] -> break
  od;
  users--
}

/* NodePool::close() */
inline close_list() {
  atomic { passes(CLOSER, HEAD); head = memory[HEAD]; memory[HEAD] = SHUT }
}

proctype closer() {
  byte head, node, missing = NODES;
  takers == 0;
#ifdef WEAK_CLOSE_LATE
  load(CLOSER, HEAD, head);
#else
  close_list();
#endif
  node = TOP_OF(head);
  do
  :: node != 0 -> atomic { load(CLOSER, BELOW(node), node); missing-- }
  :: else -> break
  od;
#ifdef WEAK_CLOSE_LATE
  close_list();
#endif
  atomic {
    drained(CLOSER);
    memory[AWAY] = memory[AWAY] + missing;
    missing = 0;
    head = 0;
    if
    :: memory[AWAY] == NONE_AWAY -> free_pool(CLOSER)
    :: else
    fi
  };
  users == 0;
  assert(freed)
}

init {
  atomic {
    memory[HEAD] = HEAD_OF(1, 0);
    memory[AWAY] = NONE_AWAY;
    memory[BELOW(1)] = 2;
    run lander(0);
    run lander(1);
    run user(0);
    run user(1);
    run closer()
  }
}
