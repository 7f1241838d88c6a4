/*
 * verdict.c: what the kernel's verifier meant, in terms of the script.
 *
 * Its log lists the instructions it walked ("17: (79) r1 = *(u64 *)(r0 +0)") and ends with the
 * reason, then with lines of statistics. The last instruction listed is where it stopped: the
 * program's own line table says which line of the script that is. So it works on every kernel,
 * whether or not it repeats source lines in its log.
 */
#include "engine/kernel/kernel.h"

#include <stdio.h>
#include <stdlib.h>

/* Lines that follow the reason and say nothing about it. */
static const char *const statistics[] = {"processed ",  "verification time", "stack depth",
					 "peak_states", "mark_read",         "max_states"};

static bool is_statistics(const char *line)
{
	for (u32 i = 0; i < ARRAY_SIZE(statistics); i++)
		if (!strncmp(line, statistics[i], strlen(statistics[i])))
			return true;
	return !*line;
}

/* "17: (79) ...": the number; -1 for other lines. */
static s64 instruction(const char *line)
{
	char *end;
	unsigned long n = strtoul(line, &end, 10);

	return end > line && !strncmp(end, ": (", 3) ? (s64)n : -1;
}

/* A line about where the walk came from or what registers hold: "from 3 to 9: R0=...", "9: R0=". */
static bool is_state(const char *line)
{
	char *end;

	if (line[0] == ';' || !strncmp(line, "from ", 5) || !strncmp(line, "func#", 5) ||
	    !strncmp(line, "last_idx", 8) || !strncmp(line, "regs=", 5) ||
	    !strncmp(line, "mark_precise", 12) || !strncmp(line, "parent ", 7) ||
	    !strncmp(line, "cur state:", 10) || !strncmp(line, "old state:", 10))
		return true;
	strtoul(line, &end, 10);
	return end > line && *end == ':';
}

/* Splits the log into lines in place; yields the reason and the instruction it is about. */
static const char *log_reason(char *log, s64 *insn)
{
	const char *reason = NULL;

	*insn = -1;
	for (char *line = log, *next; line && *line; line = next) {
		next = strchr(line, '\n');
		if (next)
			*next++ = 0;
		if (instruction(line) >= 0) {
			*insn = instruction(line);
			/* this one alone has no line of its own */
			if (strstr(line, "infinite loop detected"))
				reason = strstr(line, "infinite loop detected");
		} else if (!is_state(line) && !is_statistics(line))
			reason = line;
	}
	return reason;
}

/* The instruction of the program as it was compiled. */
static s64 compiled(const struct code *c, const struct specialised *now, s64 insn)
{
	u32 at = 0;

	while (at + 1 < c->insns.n && now->at[at + 1] <= insn)
		at++;
	return at;
}

static struct loc code_loc(const struct code *c, s64 insn)
{
	u32 at = 0;

	vec_each (l, &c->lines)
		if (l->insn <= insn)
			at = l->line;
	return (struct loc){.line = at >> 10, .col = at & 1023, .len = 1};
}

/* Refusals whose cause is not the program, but where it is loaded. */
static int verdict_place(struct kernel_engine *k, const struct object_prog *p, int err,
			 const char *reason)
{
	const struct object *o = k->base.object;

	/* every kernel that we serve has these helpers, and hides them only then */
	if (strstr(reason, "bpf_probe_read_kernel"))
		return diag_fail(k->base.diag, err,
				 "boot with lockdown=integrity, or with Secure Boot off",
				 "%s reads kernel memory, which this kernel forbids: it is locked "
				 "down for confidentiality",
				 p->probe);
	if (strstr(reason, "bpf_override_return"))
		return diag_fail(k->base.diag, err, "it needs CONFIG_BPF_KPROBE_OVERRIDE=y",
				 "%s cannot override(): this kernel was built without that", p->probe);
	if (o->kernel > k->kernel)
		return diag_fail(
			k->base.diag, err,
			"compile the script here, or there with --target and a file that "
			"`waggle target save` wrote here",
			"%s was compiled for Linux %u.%u, and this one (%u.%u) refuses it: %s",
			p->probe, o->kernel / 1000, o->kernel % 1000, k->kernel / 1000,
			k->kernel % 1000, reason);
	return 0;
}

/* An instruction without an answer of CO-RE, or a function that is not there: by name. */
static int verdict_missing(struct kernel_engine *k, const struct object_prog *p, int err,
			   const char *reason, s64 insn)
{
	const struct object *o = k->base.object;
	const char *what = NULL;

	vec_each (c, &p->code.cores)
		if (c->insn == insn && c->missing)
			what = c->missing;
	vec_each (x, &p->code.externs)
		if (x->insn == insn && !o->externs.v[x->index].found)
			what = o->externs.v[x->index].name;
	if (!what || !strstr(reason, "unknown"))
		return 0;
	return diag_fail(k->base.diag, err, "ask before with bpf_core_field_exists(), "
			 "bpf_core_type_exists(), bpf_ksym_exists()",
			 "the kernel's verifier refuses %s: instruction %lld needs %s, which this kernel "
			 "does not have", p->probe, (long long)insn, what);
}

void verdict_report(struct kernel_engine *k, const struct object_prog *p, int err,
		    const struct specialised *now, u32 shift)
{
	const struct object *o = k->base.object;
	struct diag at_source = *k->base.diag;
	s64 insn;
	const char *reason = k->log ? log_reason(k->log, &insn) : NULL;
	struct loc at = {0};
	char where[40] = "";

	if (!reason) {
		why_failed(k, err, "cannot load %s", p->probe);
		return;
	}
	if (verdict_place(k, p, err, reason))
		return;
	if (verdict_missing(k, p, err, reason, insn - shift))
		return;
	if (insn >= (s64)shift) {
		insn = compiled(&p->code, now, insn - shift);
		at = code_loc(&p->code, insn);
		snprintf(where, sizeof(where), " (instruction %lld)", (long long)insn);
	}
	at_source.file = o->source_name;
	at_source.text = o->source;
	at_source.size = o->source ? o->source_size : 0;
	diag_error(&at_source, at, "-d verifier shows all that it said",
		   "the kernel's verifier refuses %s: %s%s", p->probe, reason, where);
	k->base.diag->errors = at_source.errors;
}
