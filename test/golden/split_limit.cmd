$ zenithc ranks.onnx -o - --limit split=2
exit 6
ranks.onnx: error: node 'if1' (If, #3): 9 nodes repeated in both branches of an If because its outputs differ in rank: more than the limit of 2; --limit split=N raises it
