"""Everything is killed at random while machines report; nothing may be lost, nothing come twice."""
