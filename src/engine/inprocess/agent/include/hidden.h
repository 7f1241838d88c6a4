/* hidden.h: comes before every file of the agent: all that it refers to lies in the agent. */
#pragma GCC visibility push(hidden)
