# the deepest stack: functions' frames along the longest path of calls from `reset`, from what gcc's
# -fcallgraph-info=su says; LIBRARY bytes for what other files hold, and an interrupt's frame below everything
function name(s) { sub(/^[^"]*"/, "", s); sub(/".*/, "", s); return s }
function deepest(f,    i, d, most) {
	if (busy[f]++) { print "stack: " f " calls itself"; exit 1 }
	for (i = 0; i < calls[f]; i++)
		if ((d = deepest(call[f, i])) > most) most = d
	busy[f] = 0
	return most + (f in frame ? frame[f] : LIBRARY)
}
/dynamic/ && !/bounded|static/ { print "stack: no bound of " $3; exit 1 }
/^node/ && /bytes \(/ { s = $0; sub(/ bytes \(.*/, "", s); sub(/.*\\n/, "", s); frame[name($0)] = s + 0 }
/^edge/ { to = $0; sub(/.*targetname/, "", to); call[name($0), calls[name($0)]++] = name(to) }
END { print "stack at most " deepest("reset") + INTERRUPT " bytes" }
