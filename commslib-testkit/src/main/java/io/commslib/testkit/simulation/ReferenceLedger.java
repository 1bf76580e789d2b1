package io.commslib.testkit.simulation;

import java.util.Arrays;
import java.util.TreeSet;
import java.util.stream.Collectors;

/** The simplest correct ledger. */
final class ReferenceLedger implements OffsetLedger {

  private final TreeSet<Long> finished = new TreeSet<>();
  private long frontier;
  private long next;

  @Override
  public void restore(Commit commit) {
    frontier = commit.offset();
    next = frontier;
    if (!commit.metadata().isEmpty()) {
      Arrays.stream(commit.metadata().split(",")).map(Long::valueOf).forEach(finished::add);
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

  /** Commits past every record that arrived, finished or not, as a broken adapter does. */
  long next() {
    return next;
  }

  @Override
  public Commit commit() {
    return new Commit(
        frontier, finished.stream().map(String::valueOf).collect(Collectors.joining(",")));
  }
}
