package io.commslib.testkit.call;

/**
 * An answer of a {@link ScriptedCallTransport}. Immutable value.
 *
 * @param step the step of the script that answered
 * @param body the content
 */
public record ScriptedAnswer(RemoteStep step, String body) {}
