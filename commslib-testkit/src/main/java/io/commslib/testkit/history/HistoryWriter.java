package io.commslib.testkit.history;

import java.io.BufferedOutputStream;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Objects;

/**
 * Writes the history of one process as JSON lines, for {@link HistoryOracle}. Each process of a run
 * has a file of its own. Thread-safe; its creator closes it.
 *
 * <p>Events of producers are flushed before the call returns, so that the acts of a killed process
 * are known. A kill can cut only the last line short, and the oracle ignores that line.
 */
public final class HistoryWriter implements AutoCloseable {

  private final String run;
  private final String process;
  private final FileOutputStream file;
  private final OutputStream out;

  private HistoryWriter(Path path, String run, String process) throws IOException {
    this.run = Objects.requireNonNull(run, "run");
    this.process = Objects.requireNonNull(process, "process");
    this.file = new FileOutputStream(path.toFile(), true);
    this.out = new BufferedOutputStream(file, 1 << 16);
  }

  /**
   * Opens a history, at the end of the file if it exists.
   *
   * @param path the file of this process
   * @param run name of the run
   * @param process name of the process, unique in the run
   * @return new writer
   * @throws IOException if the file can't be written
   */
  public static HistoryWriter open(Path path, String run, String process) throws IOException {
    return new HistoryWriter(path, run, process);
  }

  /**
   * Records an operation of a producer.
   *
   * @param op attempt, ack, commit, fail or unknown
   * @param message the message
   * @throws UncheckedIOException if the file can't be written
   */
  public void record(HistoryOp op, MessageTrace message) {
    write(new HistoryEvent(op, System.nanoTime(), message, "", 0), true);
  }

  /**
   * Records an operation of a consumer.
   *
   * @param op deliver, effect, park or redrive
   * @param consumer name of the group
   * @param message the message
   * @param attempt number of the attempt
   * @throws UncheckedIOException if the file can't be written
   */
  public void record(HistoryOp op, String consumer, MessageTrace message, int attempt) {
    Objects.requireNonNull(consumer, "consumer");
    write(
        new HistoryEvent(op, System.nanoTime(), message, consumer, attempt),
        op != HistoryOp.DELIVER);
  }

  private synchronized void write(HistoryEvent event, boolean flush) {
    try {
      out.write(event.toJson(run, process).getBytes(StandardCharsets.UTF_8));
      if (flush) {
        out.flush();
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Writes buffered lines through to the disk and closes the file. Idempotent. */
  @Override
  public synchronized void close() {
    try {
      if (file.getChannel().isOpen()) {
        out.flush();
        file.getFD().sync();
        out.close();
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
