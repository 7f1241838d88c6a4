r1 = (s8)r2
r1 = be16 r1
r1 = -r1
r3 = addr_space_cast(r4, 1, 0)
r1 = *(s16 *)(r10 -2)
r1 = atomic64_fetch_or((u64 *)(r10 -8), r1)
r0 = atomic_cmpxchg((u32 *)(r10 +0), r0, r1)
r2 = load_acquire((u8 *)(r10 -8))
store_release((u64 *)(r10 -8), r2)
r0 = *(u16 *)skb[12]
r0 = *(u8 *)skb[r3 + 1]
loop: may_goto loop
gotol loop
call kernel-function#77@1
r1 = map[fd:5][0]+16
r1 = btf[id:42]+7
r1 = subprog[loop]
exit # end
