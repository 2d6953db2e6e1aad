// A program of somebody else's: it sees what the package or the subdirectory gives it, and nothing more.
#include <stoa/entity.h>
#include <stoa/error.h>
#include <stoa/text.h>

#include <cstdio>

int main() {
  const stoa::Entity entity(7, 1);
  const stoa::Error error = stoa::Error::not_found("berth");
  const stoa::Text text("a text that is longer than a cell holds");
  const bool right = entity && stoa::Entity::from_bits(entity.bits()) == entity &&
                     error.message() == "not found: berth" && text == text.view();
  std::puts(right ? "consumer: right" : "consumer: wrong");
  return right ? 0 : 1;
}
