#!/bin/sh
# Links a static program: link_static.sh COMMAND... The linker warns of name look-ups and modules in libcrypto that would need
# glibc at run time; none is called. All else that it says is shown. (With --no-warnings ld 2.40 takes functions that are
# nowhere, too, and ends with 0.)
said=$("$@" 2>&1)
code=$?
[ $code = 0 ] && said=$(printf '%s\n' "$said" | grep -v -e 'statically linked applications requires at runtime' -e ': in function ')
[ -n "$said" ] && printf '%s\n' "$said" >&2
exit $code
