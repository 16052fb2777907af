# The instructions of each kernel in `nvdisasm -c` of a cubin, one line each: kernel mnemonic count.
match($0, /\.section[ \t]+\.text\.[A-Za-z0-9_]+/) {
  kernel = substr($0, RSTART, RLENGTH)
  sub(/.*\.text\./, "", kernel)
}
kernel != "" && /^[ \t]+\/\*[0-9a-f]+\*\// {
  line = $0
  sub(/^[ \t]+\/\*[0-9a-f]+\*\/[ \t]+/, "", line)
  sub(/^@!?U?P[A-Z0-9]+[ \t]+/, "", line)
  if (match(line, /^[A-Z][A-Z0-9_]*/)) ++count[kernel " " substr(line, 1, RLENGTH)]
}
END { for (key in count) print key, count[key] }
