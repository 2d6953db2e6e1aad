# The rules of house_rules, one line of input at a time. The first file is src/CMakeLists.txt: it says what each folder
# depends on.

function broken(line, rule) {
  printf "%s:%d: %s\n", file, line, rule
  count++
}

# What stoa_layer(<folder> DEPENDS <folders...>) allows: the folder itself, its dependencies, and theirs. A dependency
# is declared before what depends on it, so its own list is complete.
function read_layer(text,    words, n, i, name, below) {
  gsub(/[()]/, " ", text)
  n = split(text, words, " ")
  name = words[2]
  layers[name] = 1
  allowed[name, name] = 1
  if (words[3] != "DEPENDS") return
  for (i = 4; i <= n && words[i] !~ /^[A-Z_]+$/; i++)
    for (below in layers)
      if ((words[i], below) in allowed) allowed[name, below] = 1
}

function check_include(    target, parts, folder) {
  target = $0
  sub(/^[ ]*#[ ]*include[ ]*/, "", target)
  sub(/[ ]*(\/\/.*)?$/, "", target)
  if (target ~ /^["<]\.\.?\//) broken(FNR, "an include by a relative path: name the folder")
  if (file ~ /^include\// && target !~ /^<(stoa|boost)\/[A-Za-z0-9_\/.-]+>$/ && target !~ /^<[a-z_0-9]+>$/)
    broken(FNR, "a public header includes " target ": only <stoa/...>, <boost/...> and the standard library are allowed")
  if (target !~ /^"[^.]/) return
  folder = substr(target, 2)
  if (!sub(/\/.*/, "", folder)) folder = ""
  split(file, parts, "/")
  if (parts[1] == "src" && !((parts[2], folder) in allowed))
    broken(FNR, "src/" parts[2] " includes " target ": not a folder that src/CMakeLists.txt lets it depend on")
  if (parts[1] == "tools" && folder in layers)
    broken(FNR, "a tool includes " target ": tools know the public headers only")
}

function end_file() {
  if (file == "" || file == layers_file) return
  if (lines > 700) broken(lines, "longer than 700 lines: look for the seam")
  if (file ~ /\.h$/ && !has_pragma) broken(1, "a header without #pragma once")
}

FNR == 1 {
  end_file()
  file = FILENAME
  if (layers_file == "") layers_file = file
  has_pragma = 0
}

file == layers_file {
  if (/^stoa_layer\(/) read_layer($0)
  next
}

{ lines = FNR }
FNR == 1 && file ~ /\.h$/ && !/^\/\/ ?[^ ]/ { broken(1, "a header opens with a comment: what it is responsible for") }
/^#pragma once$/ { has_pragma = 1 }
/\t/ { broken(FNR, "a tab") }
/[ \t\r]$/ { broken(FNR, "white space at the end of the line") }
/(^|[^A-Za-z0-9_])(TODO|FIXME|XXX)([^A-Za-z0-9_]|$)/ { broken(FNR, "work left to do: do it, or open an issue") }
/atomic_thread_fence/ { broken(FNR, "a free-standing fence: ThreadSanitizer does not understand it") }
/^[ ]*#[ ]*include/ { check_include() }

END {
  end_file()
  exit count != 0
}
