/* What is built of vector helpers, the same for every number of lanes: narrow memory, functions. */
