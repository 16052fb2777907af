# The mnemonics in a disassembly of x86-64 (objdump -d -w), one a line, each once. One whose encoding the level has not
# gets a suffix, so that no list matches it: -v encodings="legacy", "legacy vex" or "legacy vex evex".
BEGIN { FS = "\t" }
$1 ~ /^ +[0-9a-f]+:$/ && $3 != "" {
  count = split($2, bytes, " ")
  # Behind the segment, size and repeat prefixes c4 and c5 begin a VEX instruction in 64-bit code, 62 an EVEX one.
  for (i = 1; i < count && bytes[i] ~ /^(26|2e|36|3e|64|65|66|67|f0|f2|f3)$/; ++i) continue
  encoding = bytes[i] == "62" ? "evex" : bytes[i] ~ /^c[45]$/ ? "vex" : "legacy"
  count = split($3, words, " ")
  for (i = 1; i < count && words[i] ~ /^(lock|rep(n?z)?|notrack|bnd|data16|[c-gs]s|addr32|rex.*|\{e?vex[0-9]?\})$/; ++i) continue
  mnemonic = words[i] (index(encodings, encoding) ? "" : "(" encoding ")")
  if (!(mnemonic in seen)) print mnemonic
  seen[mnemonic]
}
