#![cfg_attr(fuzzing, no_main)]
turn_balance_fuzz::target!(servers);
