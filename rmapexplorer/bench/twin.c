/*
 * The same work as bench/calls.py, done by the kernel that runs this: what it took, one figure a line, in microseconds
 * of processor time (exit: of the clock).
 * Memory is of small pages, as the simulated one is.
 *
 *   twin fork VMAS PAGES CHILDREN    "fork US" for each child, then "exit US" for each
 *   twin small BESIDE TRIPLES REPEATS  mmap, touch a page, munmap: the average of one call; BESIDE other vmas are there
 *   twin mremap PAGES REPEATS        a touched vma moves to another place
 *   twin protect CALLS REPEATS       every second page of a touched vma becomes read-only: all calls together
 *   twin pageout PAGES REPEATS       MADV_PAGEOUT of touched pages
 */
#define _GNU_SOURCE
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <signal.h>
#include <time.h>
#include <unistd.h>

#define PAGE 4096UL
#define FIRST 0x100000000000UL

static double of_clock(clockid_t clock)
{
	struct timespec at;

	clock_gettime(clock, &at);
	return at.tv_sec * 1e6 + at.tv_nsec / 1e3;
}

/* Processor time of this thread: what other programs do does not count, and the child of a fork neither. */
static double microseconds(void)
{
	return of_clock(CLOCK_THREAD_CPUTIME_ID);
}

static void need(int fine, const char *what)
{
	if (fine)
		return;
	perror(what);
	exit(1);
}

static char *mapped(uintptr_t where, size_t pages)
{
	char *start = mmap((void *)where, pages * PAGE, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);

	need(start == (char *)where, "mmap");
	return start;
}

static void touched(char *start, size_t pages)
{
	for (size_t page = 0; page < pages; page++)
		*(volatile char *)(start + page * PAGE) = 1;
}

static char *filled(uintptr_t where, size_t pages)
{
	char *start = mapped(where, pages);

	touched(start, pages);
	return start;
}

static void forks(size_t vmas, size_t pages, size_t children)
{
	pid_t *pids = calloc(children, sizeof(*pids));

	need(pids != NULL, "calloc");
	for (size_t vma = 0; vma < vmas; vma++)
		filled(FIRST + vma * (pages + 1) * PAGE, pages);
	for (size_t child = 0; child < children; child++) {
		double before = microseconds();

		pids[child] = fork();
		if (pids[child] == 0) {
			prctl(PR_SET_PDEATHSIG, SIGKILL);
			for (;;)
				pause();
		}
		double after = microseconds();
		need(pids[child] > 0, "fork");
		printf("fork %.3f\n", after - before);
		fflush(stdout);
	}
	for (size_t child = 0; child < children; child++) {
		double before = of_clock(CLOCK_MONOTONIC); /* the child does the work */

		kill(pids[child], SIGKILL);
		waitpid(pids[child], NULL, 0);
		printf("exit %.3f\n", of_clock(CLOCK_MONOTONIC) - before);
	}
}

static void small(size_t beside, size_t triples, size_t repeats)
{
	for (size_t vma = 0; vma < beside; vma++)
		mapped(FIRST + 2 * vma * PAGE, 1);
	for (size_t repeat = 0; repeat < repeats; repeat++) {
		double before = microseconds();

		for (size_t triple = 0; triple < triples; triple++) {
			char *start = mapped(2 * FIRST + 3 * triple * PAGE, 1);

			touched(start, 1);
			munmap(start, PAGE);
		}
		printf("small %.4f\n", (microseconds() - before) / (3.0 * triples));
	}
}

static void mremaps(size_t pages, size_t repeats)
{
	char *start = filled(FIRST, pages);

	for (size_t repeat = 0; repeat < repeats; repeat++) {
		char *to = (char *)(repeat % 2 ? FIRST : 2 * FIRST);
		double before = microseconds();

		start = mremap(start, pages * PAGE, pages * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, to);
		printf("mremap %.3f\n", microseconds() - before);
		need(start == to, "mremap");
	}
}

static void protects(size_t calls, size_t repeats)
{
	for (size_t repeat = 0; repeat < repeats; repeat++) {
		char *start = filled(FIRST, 2 * calls);
		double before = microseconds();

		for (size_t call = 0; call < calls; call++)
			need(mprotect(start + 2 * call * PAGE, PAGE, PROT_READ) == 0, "mprotect");
		printf("protect %.3f\n", microseconds() - before);
		munmap(start, 2 * calls * PAGE);
	}
}

static void pageouts(size_t pages, size_t repeats)
{
	char *start = mapped(FIRST, pages);

	for (size_t repeat = 0; repeat < repeats; repeat++) {
		touched(start, pages);
		double before = microseconds();

		need(madvise(start, pages * PAGE, MADV_PAGEOUT) == 0, "madvise");
		printf("pageout %.3f\n", microseconds() - before);
	}
}

int main(int count, char **words)
{
	size_t numbers[3] = {0, 0, 0};

	for (int i = 2; i < count && i < 5; i++)
		numbers[i - 2] = strtoul(words[i], NULL, 10);
	need(prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0) == 0, "prctl(PR_SET_THP_DISABLE)");
	if (count == 5 && !strcmp(words[1], "fork"))
		forks(numbers[0], numbers[1], numbers[2]);
	else if (count == 5 && !strcmp(words[1], "small"))
		small(numbers[0], numbers[1], numbers[2]);
	else if (count == 4 && !strcmp(words[1], "mremap"))
		mremaps(numbers[0], numbers[1]);
	else if (count == 4 && !strcmp(words[1], "protect"))
		protects(numbers[0], numbers[1]);
	else if (count == 4 && !strcmp(words[1], "pageout"))
		pageouts(numbers[0], numbers[1]);
	else
		return 2;
	return 0;
}
