# flash and RAM from the sections that `size -A` lists
/^\.(vectors|init|text|rodata|data) / { flash += $2 }
/^\.(data|bss|stack) / { ram += $2 }
/^\.stack / { stack = $2 }
END { print "flash " flash " bytes, RAM " ram ", of which " stack " are for the stack" }
