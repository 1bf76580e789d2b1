package io.commslib.testkit.contract;

import io.commslib.core.codec.Codec;
import io.commslib.core.messaging.Destination;

/** The parts of a transport's harness that only {@link BadInputContract} needs. */
public interface BadInputHarness extends TransportHarness {

  /**
   * Publishes a record to a declared destination as a foreign program would. Returns once the
   * broker has it.
   *
   * @param to a declared destination
   * @param record any bytes
   * @throws Exception if the broker does not take it
   */
  void publishRecord(Destination to, RawRecord record) throws Exception;

  /**
   * Returns the prefix of CloudEvents attributes in header names.
   *
   * @return for example {@code ce_}
   */
  String attributePrefix();

  /**
   * Returns the codec of the bodies under test.
   *
   * @return a codec for JSON
   */
  Codec jsonCodec();
}
