package io.commslib.testkit.simulation;

import java.util.Arrays;
import java.util.TreeSet;
import java.util.stream.Collectors;

/** The plainest ledger that is right. */
final class ReferenceLedger implements OffsetLedger {

  private final TreeSet<Long> finished = new TreeSet<>();
  private long frontier;
  private long next;

  @Override
  public void restore(Commit commit) {
    frontier = commit.offset();
    next = frontier;
    if (!commit.note().isEmpty()) {
      Arrays.stream(commit.note().split(",")).map(Long::valueOf).forEach(finished::add);
    }
    advance();
  }

  @Override
  public boolean accepted(long offset) {
    next = Math.max(next, offset + 1);
    return offset >= frontier && !finished.contains(offset);
  }

  @Override
  public void finished(long offset) {
    finished.add(offset);
    advance();
  }

  private void advance() {
    while (finished.remove(frontier)) {
      frontier++;
    }
    next = Math.max(next, frontier);
  }

  /** Past everything that has come, finished or not: what a broken adapter commits. */
  long next() {
    return next;
  }

  @Override
  public Commit commit() {
    return new Commit(
        frontier, finished.stream().map(String::valueOf).collect(Collectors.joining(",")));
  }
}
