package io.commslib.http;

/**
 * The source of the header field {@code Authorization}. Users implement it. Called for each
 * attempt, on the thread of the call, within the time of the attempt; thread-safe. It should keep a
 * credential and renew it in time.
 */
@FunctionalInterface
public interface CredentialSource {

  /**
   * Returns a credential.
   *
   * @param renew whether a kept credential was refused with 401, so that a new one is needed
   * @return the value of the header field, for example {@code Bearer ...}
   */
  String authorization(boolean renew);
}
