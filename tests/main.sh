#!/bin/sh
# Writes the main of a room's test program: main.sh ROOM tests/ROOM/test_NOUN.c ...
room=$1
shift
echo '#include <check.h>'
echo '#include <stdlib.h>'
for file in "$@"; do
    noun=$(basename "$file" .c)
    echo "Suite *suite_${noun#test_}(void);"
done
echo 'int main(void) {'
echo "    SRunner *runner = srunner_create(suite_create(\"$room\"));"
for file in "$@"; do
    noun=$(basename "$file" .c)
    echo "    srunner_add_suite(runner, suite_${noun#test_}());"
done
echo '    srunner_run_all(runner, CK_ENV);'
echo '    int failed = srunner_ntests_failed(runner);'
echo '    srunner_free(runner);'
echo '    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;'
echo '}'
