$ zenithc ops --seed 3
exit 2
zenithc: error: --seed means nothing to `zenithc ops`
