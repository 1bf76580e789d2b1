/**
 * Histories of test runs and their judge. Processes record what they did with {@link
 * io.commslib.testkit.history.HistoryWriter}; {@link io.commslib.testkit.history.HistoryOracle}
 * counts lost, duplicated, reordered and stuck messages. Histories are streamed, so their size is
 * bounded by the disk only.
 */
@NullMarked
package io.commslib.testkit.history;

import org.jspecify.annotations.NullMarked;
