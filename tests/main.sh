#!/bin/sh
# Writes the main of a room's test program: main.sh ROOM tests/ROOM/test_NOUN.c ...
room=$1
shift
echo '#include "tests/runner.h"'
for file in "$@"; do
    noun=$(basename "$file" .c)
    echo "Suite *suite_${noun#test_}(void);"
done
echo 'static const struct runner_suite suites[] = {'
for file in "$@"; do
    noun=$(basename "$file" .c)
    echo "    {\"${noun#test_}\", suite_${noun#test_}},"
done
echo '};'
echo "int main(void) { return runner_main(\"$room\", suites, sizeof suites / sizeof suites[0]); }"
