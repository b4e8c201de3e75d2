// After a passkey was added: the first one's owner gets recovery codes, the others see their list again.
document.addEventListener("otp_webauthn.register_complete", (event) => {
    if (event.detail.response.codes_left === 0) {
        document.getElementById("new-codes").submit();
    } else {
        window.location.reload();
    }
});
