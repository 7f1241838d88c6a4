; types.s: an object with types, CO-RE, .kconfig
.license "GPL"
.extern CONFIG_NET config type 17 size 1
.extern init_task address type 19
.map m hash key 4 value 8 entries 4 keytype 2 valuetype 9
.data .kconfig 1

.program p "socket" socket_filter
.func p type 15
; 9:50 SEC("socket") int p(struct task *t) { int k = t->pid; return CONFIG_NET + look(&m, &k) + (long)&init_task; }
.core byte_off 9 "0:0"	; struct task.pid
   0: r1 = *(u32 *)(r1 +0)
   1: *(u32 *)(r10 -4) = r1
   2: r1 = map[.kconfig][0]+0
   4: r6 = *(u8 *)(r1 +0)
   5: r2 = r10
   6: r2 += -4
; 9:75 SEC("socket") int p(struct task *t) { int k = t->pid; return CONFIG_NET + look(&m, &k) + (long)&init_task; }
   7: r1 = map[m]
   9: call bpf_map_lookup_elem#1
  10: r0 += r6
.names init_task
  11: r1 = 0x0
  13: r0 += r1
  14: exit

; types
.type 1 ptr type 3
.type 2 int "int" size 4 bits 32 signed
.type 3 array type 2 index 4 entries 1
.type 4 int "__ARRAY_SIZE_TYPE__" size 4 bits 32
.type 5 ptr type 6
.type 6 array type 2 index 4 entries 4
.type 7 ptr type 2
.type 8 ptr type 9
.type 9 struct "task" size 8
.member "pid" type 2
.member "b" type 10 offset 32
.type 10 struct size 4 bitfields
.member "a" type 11 bits 3
.type 11 int "unsigned int" size 4 bits 32
.type 12 struct size 32
.member "type" type 1
.member "max_entries" type 5 offset 64
.member "key" type 7 offset 128
.member "value" type 8 offset 192
.type 13 var "m" type 12 linkage 1
.type 14 proto type 2
.param "t" type 8
.type 15 func "p" type 14 linkage 1
.type 16 int "_Bool" size 1 bits 8 bool
.type 17 var "CONFIG_NET" type 16 linkage 2
.type 18 const
.type 19 var "init_task" type 18 linkage 2
.type 20 int "char" size 1 bits 8 signed
.type 21 array type 20 index 4 entries 4
.type 22 var "l" type 21 linkage 1
.type 23 section ".kconfig"
.place type 17 size 1
.type 24 section ".ksyms"
.place type 19 size 1
.type 25 section ".maps" size 32
.place type 13 size 32
.type 26 section "license" size 4
.place type 22 size 4
